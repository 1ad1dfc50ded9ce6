"""The canvas: what is painted is exported at the picture's own pixels, and nothing else."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.canvas_page import CanvasPage, png, serving

pytestmark = pytest.mark.browser

WIDE, HIGH = 200, 160
RED = "#c62828"


def gradient(width: int = WIDE, height: int = HIGH) -> Image.Image:
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, np.full_like(across, 90)], -1).astype(np.uint8))


def distances(
    points: list[tuple[float, float]], width: int = WIDE, height: int = HIGH, step: int = 1
) -> np.ndarray:
    """How far the centre of each pixel, or of each `step`th, is from the line through `points`."""
    x, y = np.meshgrid(np.arange(0, width, step) + 0.5, np.arange(0, height, step) + 0.5)
    least = np.full(x.shape, np.inf)
    for (x0, y0), (x1, y1) in zip(points, points[1:] or points, strict=False):
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
        along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
        least = np.minimum(least, np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))
    return least


def assert_painted(mask: np.ndarray, far: np.ndarray, size: float, slack: float = 0.75) -> None:
    """Within the brush everything is painted, beyond it nothing.

    `slack` is what lies between: the pointer stands on whole pixels of the screen.
    """
    assert mask[far < size / 2 - slack].all()
    assert not mask[far > size / 2 + slack].any()


@pytest.fixture(scope="module")
def canvas_server():
    with serving() as server:
        yield server


@pytest.fixture
def opened(person, canvas_server):
    """Opens a tab's page with a picture on it."""

    def open_canvas(tab: str = "inpaint", image: Image.Image | None = None, **options) -> CanvasPage:
        context = person(**{"viewport": {"width": 700, "height": 900}, **options})
        canvas = CanvasPage(context.new_page(), canvas_server, tab)
        canvas.open(image or gradient())
        return canvas

    return open_canvas


def test_a_stroke_masks_the_pixels_under_the_brush_and_no_others(opened):
    canvas = opened()
    canvas.set_size(20)
    canvas.drag((40, 40), (150, 60), (90, 120))
    wish = canvas.wish()
    assert_painted(canvas.mask(), distances([(40, 40), (150, 60), (90, 120)]), 20)
    uploaded = canvas.server.uploads[wish["init_images"][0]][1]
    assert uploaded == png(gradient())  # untouched: the very file
    assert (wish["outpaint_left"], wish["init_folder"]) == (0, "")


def test_a_zoomed_and_moved_view_paints_the_same_pixels(opened):
    canvas = opened(image=gradient(1200, 900))
    canvas.set_size(30)
    canvas.click("zoom_in")
    pointer = canvas.on_screen(300, 300)
    canvas.page.mouse.move(*pointer)
    canvas.page.keyboard.down("Shift")
    canvas.page.mouse.wheel(0, -900)
    canvas.page.keyboard.up("Shift")
    zoom = canvas.page.evaluate("canvas.looks.view.zoom")
    assert zoom > 2
    # What was under the pointer still is; wheels tell their place in whole pixels.
    assert canvas.on_screen(300, 300) == pytest.approx(pointer, abs=zoom)
    canvas.drag((300, 300), (340, 320))
    canvas.drag((300, 300), (330, 300), button="middle")
    canvas.drag((280, 330), (281, 330))
    mask = canvas.mask()
    assert mask.shape == (900, 1200)
    far = [distances(line, 1200, 900) for line in ([(300, 300), (340, 320)], [(280, 330), (281, 330)])]
    assert_painted(mask, np.minimum(*far), 30, slack=0.5)


def test_a_brush_of_one_pixel_leaves_no_gap(opened):
    canvas = opened(image=gradient(64, 48))
    canvas.set_size(1)
    canvas.drag((5.5, 5.5), (60.5, 40.5))
    mask = canvas.mask()
    assert mask[:, 6:60].any(0).all()
    assert mask.sum() < 130
    assert_painted(mask, distances([(5.5, 5.5), (60.5, 40.5)], 64, 48), 1, slack=1)


def test_undo_and_redo_are_exact_one_stroke_at_a_time(opened):
    canvas = opened(image=gradient(1100, 700))  # several tiles
    canvas.set_size(60)
    masks = []
    for points in ([(100, 100), (900, 600)], [(600, 80), (600, 650)], [(50, 500), (1000, 500)]):
        canvas.drag(*points)
        masks.append(canvas.mask())
    keys = canvas.page.keyboard
    keys.press("Control+z")
    assert (canvas.mask() == masks[1]).all()
    keys.press("Control+z")
    assert (canvas.mask() == masks[0]).all()
    keys.press("Control+Shift+z")
    keys.press("Control+y")
    assert (canvas.mask() == masks[2]).all()
    for _ in range(5):
        keys.press("Control+z")
    assert "Nothing is masked" in canvas.wish()["errors"][0]["message"]
    expect(canvas.page.locator('[data-act="undo"]')).to_be_disabled()


def test_what_is_kept_for_undo_comes_back_exactly_and_is_bounded(opened):
    page = opened().page
    same = page.evaluate(
        """async () => {
            const { packed, unpacked } = await import("/darkroom/canvas_history.js");
            const pixel = (share) => (Math.random() < share ? Math.random() * 2 ** 32 : 7);
            const noise = (share) => Uint32Array.from({ length: 4096 }, () => pixel(share));
            const tiles = [0, 0.001, 0.5, 1].map(noise);
            return tiles.map((tile) => {
                const kept = packed(tile);
                return [kept.runs.length, unpacked(kept).join() === tile.join()];
            });
        }"""
    )
    assert [is_same for _, is_same in same] == [True] * 4
    assert (same[0][0], same[3][0]) == (2, 4096)  # of one colour: a single run; of noise: no more than it was
    steps = page.evaluate(
        """async () => {
            const { History } = await import("/darkroom/canvas_history.js");
            return [1, 100 * 2 ** 20, 2 ** 30].map((bytes) => {
                const history = new History();
                const edit = { kept: { size: 1 }, pack: () => edit, bytes };
                for (let count = 0; count < 300; count++) history.add(edit);
                return history.past.length;
            });
        }"""
    )
    assert steps == [200, 2, 1]


def test_the_eraser_and_the_right_button_take_away(opened):
    canvas = opened()
    canvas.click("fill")
    assert canvas.mask().all()
    canvas.set_size(24)
    canvas.click("eraser")
    canvas.drag((50, 50), (100, 50))
    canvas.click("brush")
    canvas.drag((50, 120), (100, 120), button="right")
    far = np.minimum(distances([(50, 50), (100, 50)]), distances([(50, 120), (100, 120)]))
    assert_painted(~canvas.mask(), far, 24)


def test_inverting_filling_and_clearing(opened):
    canvas = opened(image=gradient(600, 520))
    canvas.drag((100, 100), (500, 400))
    mask = canvas.mask()
    canvas.click("invert")
    assert (canvas.mask() == ~mask).all()
    canvas.click("wipe")
    assert canvas.wish()["errors"][0]["field"] == "mask"
    canvas.click("undo")
    canvas.click("undo")
    assert (canvas.mask() == mask).all()


def test_rectangle_and_lasso_fill_what_they_go_around(opened):
    canvas = opened()
    canvas.click("rectangle")
    canvas.drag((20, 30), (60, 90))
    mask = canvas.mask()
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (30, 89, 20, 59)
    assert mask.sum() == 40 * 60
    canvas.click("undo")
    canvas.click("lasso")
    canvas.drag((100, 20), (180, 20), (180, 100))
    mask = canvas.mask()
    assert mask.sum() == pytest.approx(80 * 80 / 2, rel=0.03)
    assert mask[25, 170]
    assert not mask[90, 110]


def test_a_line_is_straight_with_shift(opened):
    canvas = opened()
    canvas.set_size(10)
    canvas.drag((20, 20), (20.5, 20))
    canvas.page.keyboard.down("Shift")
    canvas.drag((150, 100))
    canvas.page.keyboard.up("Shift")
    assert_painted(canvas.mask(), distances([(20, 20), (150, 100)]), 10)


def test_a_new_picture_keeps_nothing_of_the_old_one(opened):
    canvas = opened()
    canvas.drag((40, 40), (150, 60))
    canvas.mode("Sketch")
    canvas.drag((40, 100), (150, 100))
    canvas.mode("Outpaint")
    canvas.page.evaluate("canvas.setOutpaint({ left: 64 })")
    canvas.click("zoom_in")
    other = gradient(320, 256).rotate(180)
    canvas.open(other)
    wish = canvas.wish()
    assert wish["errors"][0]["field"] == "mask"
    assert canvas.page.evaluate("[canvas.looks.view.fitted, canvas.outpaint.left]") == [True, 0]
    canvas.mode("Mask")
    expect(canvas.page.locator('[data-act="undo"]')).to_be_disabled()
    canvas.click("fill")
    assert canvas.server.uploads[canvas.wish()["init_images"][0]][1] == png(other)
    assert canvas.mask().shape == (256, 320)


def test_transparent_parts_are_masked_at_first(opened):
    image = gradient().convert("RGBA")
    image.putalpha(Image.fromarray(np.where(distances([(100, 80)]) < 30, 0, 255).astype(np.uint8)))
    canvas = opened(image=image)
    assert (canvas.mask() == (distances([(100, 80)]) < 30)).all()
    expect(canvas.page.locator('[data-act="undo"]')).to_be_disabled()
    assert canvas.server.image(canvas.wish()["init_images"][0]).mode == "RGBA"


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_a_mask_is_loaded_from_a_file(opened, mode):
    canvas = opened()
    canvas.drag((20, 20), (180, 20))
    before = canvas.mask()
    wanted = distances([(60, 60)]) < 40
    mask = Image.fromarray((wanted * 255).astype(np.uint8))
    if mode == "RGBA":  # what isn't transparent, whatever its colour
        black = Image.new("RGBA", mask.size)
        black.putalpha(mask)
        mask = black
    file = {"name": "mask.png", "mimeType": "image/png", "buffer": png(mask)}
    canvas.page.set_input_files(".dr-canvas-mask-file", file)
    canvas.page.wait_for_function("canvas.history.past.length === 2")
    assert (canvas.mask() == wanted).all()
    canvas.click("undo")
    assert (canvas.mask() == before).all()


def test_sketching_paints_on_the_picture_and_masks_it_on_inpaint(opened):
    canvas = opened()
    canvas.mode("Sketch")
    canvas.set_size(30)
    canvas.drag((60, 80), (140, 80))
    painted = canvas.server.upload(canvas.wish()["init_images"][0])[..., :3].astype(int)
    original = np.asarray(gradient()).astype(int)
    near = distances([(60, 80), (140, 80)])
    assert (painted[near > 16.5] == original[near > 16.5]).all()
    assert (painted[near < 13.5] == [0xC6, 0x28, 0x28]).all()
    assert (canvas.mask() == (painted != original).any(-1))[np.abs(near - 15) > 1.5].all()


def test_a_sketch_alone_is_no_mask_on_img2img(opened):
    canvas = opened("img2img")
    canvas.mode("Sketch")
    canvas.drag((60, 80), (140, 80))
    wish = canvas.wish()
    assert (wish["mask"], "outpaint_left" in wish) == ("", False)
    assert tuple(canvas.server.upload(wish["init_images"][0])[80, 100][:3]) == (0xC6, 0x28, 0x28)


def test_the_pipette_takes_the_colour_that_is_seen(opened):
    canvas = opened("img2img")
    canvas.mode("Sketch")
    canvas.click("pipette")
    canvas.drag((150.5, 40.5))
    red, green, blue = gradient().getpixel((150, 40))
    color = canvas.page.locator(".dr-canvas-color input")
    expect(color).to_have_value(f"#{red:02x}{green:02x}{blue:02x}")
    expect(canvas.page.locator('[data-tool="brush"]')).to_have_attribute("aria-pressed", "true")
    canvas.drag((20, 140), (180, 140))
    color.fill("#00ff00")
    canvas.page.keyboard.down("Alt")
    canvas.drag((100, 140))
    canvas.page.keyboard.up("Alt")
    expect(color).to_have_value(f"#{red:02x}{green:02x}{blue:02x}")


def test_only_what_has_changed_is_uploaded_again(opened):
    canvas = opened()
    canvas.drag((40, 40), (150, 60))
    first = canvas.wish()
    assert canvas.wish() == first
    canvas.drag((40, 100), (150, 100))
    second = canvas.wish()
    assert second["init_images"] == first["init_images"]
    assert second["mask"] != first["mask"]


def test_an_own_picture_goes_by_its_name_until_it_is_painted_on(opened):
    canvas = opened("img2img")
    name = "0123456789abcdef/3"
    canvas.server.pictures[name] = png(gradient())
    assert canvas.page.evaluate("name => canvas.load(name)", name)
    assert canvas.wish()["init_images"] == [name]
    address = f"{canvas.server.address}/api/v1/jobs/0123456789abcdef/images/3"
    assert canvas.page.evaluate("address => canvas.load(address)", address)
    assert canvas.wish()["init_images"] == [name]
    canvas.mode("Sketch")
    canvas.drag((40, 40), (150, 60))
    (upload,) = canvas.wish()["init_images"]
    assert canvas.server.uploads[upload][0] == name  # its parent


def test_what_cannot_be_opened_leaves_what_is_there(opened):
    canvas = opened()
    canvas.drag((40, 40), (150, 60))
    mask = canvas.mask()
    with canvas.page.expect_response("**/uploads"):
        file = {"name": "one.png", "mimeType": "image/png", "buffer": b"no picture"}
        canvas.page.set_input_files(".dr-canvas-open >> nth=0", file)
    expect(canvas.page.get_by_role("alert")).to_have_text("This is not a picture that can be read.")
    assert (canvas.mask() == mask).all()
    assert not canvas.page.evaluate("canvas.load('https://example.com/a.png')")
    assert "not one of your pictures" in canvas.errors()
    canvas.open(gradient())
    assert canvas.errors() == ""


def test_a_picture_that_only_the_server_can_read(opened):
    canvas = opened("img2img")
    made = io.BytesIO()
    gradient(90, 70).save(made, "TIFF")
    file = {"name": "one.tif", "mimeType": "image/tiff", "buffer": made.getvalue()}
    with canvas.page.expect_response("**/uploads/*"):
        canvas.page.set_input_files(".dr-canvas-open >> nth=0", file)
    canvas.page.wait_for_function("canvas.size?.width === 90")
    assert (canvas.server.upload(canvas.wish()["init_images"][0]) == np.asarray(gradient(90, 70))).all()


def test_a_failed_upload_is_told_and_tried_again(opened):
    canvas = opened("img2img")
    canvas.server.refusal = "The disk is full."
    assert canvas.wish() == {"errors": [{"field": "init_images", "message": "The disk is full."}]}
    assert len(canvas.wish()["init_images"]) == 1


def test_outpainting_by_handles_keys_and_numbers(opened):
    canvas = opened(image=gradient(256, 192))
    canvas.mode("Outpaint")
    right = canvas.page.locator('[data-side="right"]')
    box = right.bounding_box()
    zoom = canvas.page.evaluate("canvas.looks.view.zoom")
    canvas.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    canvas.page.mouse.down()
    canvas.page.mouse.move(box["x"] + box["width"] / 2 + 67 * zoom, box["y"] + 30)
    canvas.page.mouse.up()
    expect(right).to_have_text("+64")
    right.press("ArrowRight")
    canvas.page.locator('[data-side="up"]').press("Shift+ArrowUp")
    canvas.page.evaluate("canvas.setOutpaint({ left: 13, down: 99999 })")
    wish = canvas.wish()
    numbers = [wish[f"outpaint_{side}"] for side in ("left", "up", "right", "down")]
    assert (numbers, wish["mask"]) == ([13, 64, 72, 2048], "")
    told = canvas.page.evaluate("told.at(-1)")
    assert told["outpaint"] == {"left": 13, "up": 64, "right": 72, "down": 2048}
    assert (told["mode"], told["size"]) == ("outpaint", {"width": 256, "height": 192})
    expect(canvas.page.locator(".dr-canvas-facts")).to_contain_text("341×2304")


def test_keys_choose_tools_and_sizes_and_view(opened):
    canvas = opened()
    canvas.page.locator(".dr-canvas-area").focus()
    keys = canvas.page.keyboard
    for key, tool in {"e": "eraser", "m": "rectangle", "l": "lasso", "b": "brush"}.items():
        keys.press(key)
        expect(canvas.page.locator(f'[data-tool="{tool}"]')).to_have_attribute("aria-pressed", "true")
    canvas.set_size(20)
    keys.press("]")
    keys.press("]")
    keys.press("[")
    expect(canvas.page.locator(".dr-canvas-size output")).to_have_text("23")
    keys.press("1")
    assert canvas.page.evaluate("canvas.looks.view.zoom") == 1
    keys.press("ArrowRight")
    keys.press("r")
    assert canvas.page.evaluate("canvas.looks.view.fitted")
    keys.press("s")
    expanded = canvas.page.locator(".dr-canvas").bounding_box()
    assert (expanded["width"], expanded["height"]) == (700, 900)
    keys.press("Escape")
    assert canvas.page.locator(".dr-canvas").bounding_box()["width"] < 700
    canvas.page.locator("#prompt").fill("")
    canvas.page.locator("#prompt").press_sequentially("e]s")
    expect(canvas.page.locator('[data-tool="brush"]')).to_have_attribute("aria-pressed", "true")


def test_space_moves_and_control_with_the_wheel_resizes_the_brush(opened):
    canvas = opened()
    canvas.set_size(20)
    canvas.drag((40, 40), (60, 40))
    mask = canvas.mask()
    corner = canvas.on_screen(0, 0)
    canvas.page.keyboard.down(" ")
    canvas.drag((50, 50), (80, 70))
    canvas.page.keyboard.up(" ")
    assert (canvas.mask() == mask).all()
    assert canvas.on_screen(0, 0) != corner
    zoom = canvas.page.evaluate("canvas.looks.view.zoom")
    canvas.page.keyboard.down("Control")
    canvas.page.mouse.wheel(0, -100)
    canvas.page.keyboard.up("Control")
    expect(canvas.page.locator(".dr-canvas-size output")).to_have_text("23")
    assert canvas.page.evaluate("canvas.looks.view.zoom") == zoom


def test_the_page_scrolls_past_a_canvas_that_nobody_has_touched(opened):
    canvas = opened()
    zoom = "canvas.looks.view.zoom"
    before = canvas.page.evaluate(zoom)
    canvas.page.mouse.move(*canvas.on_screen(50, 50))
    canvas.page.mouse.wheel(0, -200)
    canvas.page.wait_for_timeout(50)
    assert canvas.page.evaluate(zoom) == before
    canvas.page.mouse.down()
    canvas.page.mouse.up()
    canvas.page.mouse.wheel(0, -200)
    canvas.page.wait_for_function("before => canvas.looks.view.zoom > before", arg=before)


def test_the_circle_is_as_large_as_the_brush(opened):
    canvas = opened()
    canvas.set_size(30)
    canvas.page.mouse.move(*canvas.on_screen(100, 80))
    zoom = canvas.page.evaluate("canvas.looks.view.zoom")
    box = canvas.page.locator(".dr-canvas-cursor").bounding_box()
    assert box["width"] == pytest.approx(30 * zoom, abs=0.1)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert middle == pytest.approx(canvas.on_screen(100, 80), abs=0.1)


def test_painting_is_told_often_but_not_too_often(opened):
    canvas = opened("img2img")
    canvas.mode("Sketch")
    canvas.page.evaluate("told.length = 0")
    canvas.drag(*[(20 + step, 40) for step in range(150)])
    told = [one["final"] for one in canvas.page.evaluate("told") if one["kind"] == "painted"]
    assert told[-1]
    assert not any(told[:-1])
    assert len(told) >= 2
    canvas.click("undo")
    assert canvas.page.evaluate("told.at(-1).final")


def test_one_finger_paints_and_two_move_and_zoom(opened):
    canvas = opened(has_touch=True)
    canvas.set_size(20)
    canvas.fingers("touchStart", (40, 40))
    canvas.fingers("touchMove", (120, 60))
    canvas.fingers("touchEnd")
    painted = canvas.mask()
    assert_painted(painted, distances([(40, 40), (120, 60)]), 20)
    zoom = canvas.page.evaluate("canvas.looks.view.zoom")
    canvas.fingers("touchStart", (60, 80))
    canvas.fingers("touchMove", (62, 82))  # as if to paint, until the second one comes
    canvas.fingers("touchStart", (62, 82), (120, 82))
    canvas.fingers("touchMove", (40, 82), (140, 82))
    canvas.fingers("touchEnd")
    assert canvas.page.evaluate("canvas.looks.view.zoom") == pytest.approx(zoom * 100 / 58, rel=0.02)
    assert (canvas.mask() == painted).all()
    assert canvas.page.evaluate("canvas.history.past.length") == 1


def test_a_pens_pressure_sets_the_size_and_fingers_then_only_move(opened):
    canvas = opened(has_touch=True)
    canvas.set_size(40)
    canvas.pen("mousePressed", (30, 40), 1)
    canvas.pen("mouseMoved", (70, 40), 1)
    canvas.pen("mouseReleased", (70, 40), 0)
    canvas.pen("mousePressed", (30, 110), 0.3)
    canvas.pen("mouseMoved", (70, 110), 0.3)
    canvas.pen("mouseReleased", (70, 110), 0)
    mask = canvas.mask()
    assert mask[:80, 50].sum() == pytest.approx(40, abs=1)
    assert mask[80:, 50].sum() == pytest.approx(40 * (0.15 + 0.85 * 0.3), abs=1)
    before = canvas.on_screen(0, 0)
    canvas.fingers("touchStart", (100, 40))
    canvas.fingers("touchMove", (130, 60))
    canvas.fingers("touchEnd")
    assert (canvas.mask() == mask).all()
    assert canvas.on_screen(0, 0) != before
    canvas.page.locator('[data-switch="pressure"]').click()
    canvas.pen("mousePressed", (150, 60), 0.3)
    canvas.pen("mouseReleased", (150, 60), 0)
    assert (canvas.mask() & ~mask)[:, 150].sum() == pytest.approx(40, abs=1)


BRING = """([kind, contents, address]) => {
    const data = new DataTransfer();
    contents.forEach((content, number) => {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        data.items.add(new File([bytes], `${number}.png`, { type: "image/png" }));
    });
    if (address) data.setData("text/uri-list", address);
    const options = { bubbles: true, cancelable: true };
    if (kind === "drop") canvas.area.dispatchEvent(new DragEvent(kind, { ...options, dataTransfer: data }));
    else document.body.dispatchEvent(new ClipboardEvent(kind, { ...options, clipboardData: data }));
}"""


def bring(canvas: CanvasPage, kind: str, *images: Image.Image, address: str = "") -> None:
    contents = [base64.b64encode(png(image)).decode() for image in images]
    canvas.page.evaluate(BRING, [kind, contents, address])


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_pictures_are_dropped_and_pasted(opened, kind):
    canvas = opened()
    other = gradient(96, 80)
    bring(canvas, kind, other)
    canvas.page.wait_for_function("canvas.size.width === 96")
    canvas.click("fill")
    assert canvas.server.uploads[canvas.wish()["init_images"][0]][1] == png(other)


def test_a_picture_that_is_dragged_from_the_page_goes_by_its_name(opened):
    canvas = opened("img2img")
    canvas.server.pictures["abc/1"] = png(gradient(96, 80))
    bring(canvas, "drop", gradient(), address=f"{canvas.server.address}/api/v1/jobs/abc/images/1")
    canvas.page.wait_for_function("canvas.size.width === 96")
    assert canvas.wish()["init_images"] == ["abc/1"]
    bring(canvas, "drop", address="https://example.com/picture.png")
    assert "Only pictures can be dropped" in canvas.errors()


def test_a_batch_of_files(opened):
    canvas = opened("img2img")
    images = [gradient(40 + 8 * number, 40) for number in range(5)]
    bring(canvas, "drop", *images)
    files = canvas.page.locator(".dr-canvas-file")
    expect(files).to_have_count(5)
    expect(canvas.page.get_by_role("radio", name="Batch")).to_be_checked()
    canvas.page.get_by_role("button", name="Remove 1.png").click()
    expect(canvas.page.locator(".dr-canvas-count")).to_have_text("4 pictures")
    wish = canvas.wish()
    widths = [canvas.server.image(name).width for name in wish["init_images"]]
    assert (widths, wish["mask"]) == ([40, 56, 64, 72], "")
    assert canvas.wish() == wish
    canvas.server.refusal = "This is no picture."
    bring(canvas, "drop", gradient())
    assert canvas.wish() == wish
    expect(canvas.page.locator(".dr-canvas-error")).to_have_text("Left out: 0.png: This is no picture.")
    canvas.page.get_by_role("button", name="Remove all").click()
    assert canvas.wish() == {}
    canvas.mode("Picture")  # is what it was
    assert canvas.page.evaluate("canvas.size.width") == WIDE


def test_a_batch_from_a_folder_on_the_server(opened):
    canvas = opened("img2img")
    canvas.server.folders = [{"name": ".", "pictures": 2}, {"name": "cats", "pictures": 31}]
    canvas.mode("Batch")
    folders = canvas.page.locator(".dr-canvas-folder")
    expect(folders.locator("option")).to_have_text(["files of mine", "batch (2)", "cats (31)"])
    folders.select_option("cats")
    assert canvas.wish() == {"init_images": [], "mask": "", "init_folder": "cats"}


def test_one_can_start_with_nothing_or_a_blank_picture(person, canvas_server):
    canvas = CanvasPage(person().new_page(), canvas_server, "img2img")
    assert canvas.wish() == {}
    canvas.click("blank")
    canvas.page.wait_for_function("canvas.size?.width === 512")
    canvas.mode("Sketch")
    canvas.drag((100, 100), (300, 300))
    painted = canvas.server.upload(canvas.wish()["init_images"][0])[..., :3]
    assert tuple(painted[10, 10]) == (255, 255, 255)
    assert tuple(painted[200, 200]) == (0xC6, 0x28, 0x28)
    canvas.click("remove")
    assert canvas.wish() == {}
    assert canvas.page.evaluate("told.at(-1).size") is None


def test_of_two_pictures_the_one_that_was_brought_last_stays(opened):
    canvas = opened("img2img")
    canvas.server.pictures |= {"slow/1": png(gradient(900, 900)), "quick/1": png(gradient(32, 32))}
    canvas.page.route(
        "**/slow/images/1", lambda route: (canvas.page.wait_for_timeout(200), route.continue_())
    )
    assert canvas.page.evaluate("Promise.all([canvas.load('slow/1'), canvas.load('quick/1')])") == [
        False,
        True,
    ]
    assert canvas.wish()["init_images"] == ["quick/1"]


def test_a_large_picture_is_painted_on_at_its_own_pixels(opened):
    image = Image.new("L", (6000, 4000), 90)
    canvas = opened(image=image)
    canvas.set_size(300)
    canvas.drag((500, 500), (5500, 3500), (5500, 500))
    mask = canvas.mask()
    assert mask.shape == (4000, 6000)
    far = distances([(500, 500), (5500, 3500), (5500, 500)], 6000, 4000, step=10)
    # A pixel of the screen is about ten of the picture's.
    assert_painted(mask[::10, ::10], far, 300, slack=12)
    shown = Image.open(io.BytesIO(canvas.page.locator(".dr-canvas-area").screenshot()))
    middle = shown.convert("RGB").getpixel((shown.width // 2, shown.height // 2))
    assert middle[0] > 140 > middle[2]  # amber over grey
    canvas.click("undo")
    assert canvas.wish()["errors"][0]["field"] == "mask"


@pytest.mark.parametrize("ratio", [1, 2])
def test_what_is_shown_is_what_is_masked(opened, ratio):
    canvas = opened(image=Image.new("RGB", (60, 40), "#0000ff"), device_scale_factor=ratio)
    canvas.click("rectangle")
    canvas.drag((10, 10), (30, 25))
    canvas.page.mouse.move(5, 5)
    mask = canvas.mask()
    canvas.page.wait_for_function("!canvas.looks.screen.waiting")
    taken = canvas.page.screenshot()
    shown = np.asarray(Image.open(io.BytesIO(taken)).convert("RGB"))
    for row in range(0, 40, 3):
        for column in range(0, 60, 3):
            x, y = canvas.on_screen(column + 0.5, row + 0.5)
            red, _, blue = map(int, shown[int(y * ratio), int(x * ratio)])
            assert (red > 100 > blue - 60) == mask[row, column]


def test_all_is_within_reach_on_a_phone(opened):
    canvas = opened(viewport={"width": 390, "height": 844}, has_touch=True)
    for mode in ("Mask", "Sketch", "Outpaint"):
        canvas.mode(mode)
        assert canvas.page.evaluate("document.documentElement.scrollWidth") <= 390
        for one in canvas.page.locator(".dr-canvas :is(button, label.dr-canvas-button):visible").all():
            box = one.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert min(box["width"], box["height"]) >= 36


def test_everything_says_what_it_is(opened):
    for tab in ("img2img", "inpaint"):
        canvas = opened(tab)
        for mode in canvas.page.locator(".dr-canvas-modes span").all_inner_texts():
            canvas.mode(mode)
            for one in canvas.page.locator(".dr-canvas :is(button, summary, input, select):visible").all():
                name = "one.ariaLabel || one.textContent.trim() || one.closest('label')?.textContent.trim()"
                assert one.evaluate(f"one => {name}"), one.evaluate("one => one.outerHTML")
