"""Jobs that start from pictures: what is named, whose it is, what the engine is given, what is kept of it."""

import base64
import io

import pytest
from PIL import Image

from tests.jobs.test_worker import Painter, Room
from tests.serving import wait_until
from webui.engine.protocol import Picture
from webui.inputs import allowance
from webui.params import GenerationParams, InvalidParamsError
from webui.params.extras import ExtrasParams
from webui.params.scripts import Loopback, SDUpscale, XYZPlot

RED, BLUE = "#ff0000", "#0000ff"


def png(color=RED, size=(16, 16)):
    stream = io.BytesIO()
    Image.new("RGBA" if len(color) == 9 else "RGB", size, color).save(stream, "PNG")
    return stream.getvalue()


def enclosed(*args, **options):
    return base64.b64encode(png(*args, **options)).decode()


class Artist(Painter):
    """Each picture is a shade of its own."""

    def paint(self, order, observer, iteration):
        if order.inputs.image and order.inputs.image.getpixel((0, 0))[:3] == (0, 0, 9):
            raise RuntimeError("nine is too much")
        shade = len(self.orders) * 10
        image = Image.new("RGB", (order.params.width, order.params.height), (shade, 0, 0))
        observer.picture(Picture(image, order.seed, f"Seed: {order.seed}"))


@pytest.fixture
def room(tmp_path, catalog):
    room = Room(tmp_path, catalog, Artist)
    room.worker.start()
    yield room
    room.worker.stop()
    room.store.close()


def upload(room, *args, owner="me", parent="", **options):
    return room.pictures.upload(owner, png(*args, **options), parent).id


def done(room, job):
    ended = room.ended(job)
    assert (ended.state, ended.error) == ("done", None)
    return ended


def refusal(room, **params):
    with pytest.raises(InvalidParamsError) as refused:
        room.submit(**params)
    assert room.jobs.listed("me") == []
    return refused.value.field, str(refused.value)


# Names


def test_a_picture_may_be_sent_uploaded_or_ones_own(room):
    name = upload(room)
    first = done(room, room.submit(init_images=[enclosed()]))
    assert first.params.init_images == (name,)
    second = done(room, room.submit(init_images=[name], mask=enclosed(BLUE)))
    third = done(room, room.submit(init_images=[f"{second.id}/0"]))
    assert [order.inputs.image.getpixel((0, 0)) for order in room.engine.orders] == [
        (255, 0, 0),
        (255, 0, 0),
        (20, 0, 0),
    ]
    assert third.pictures[0].file.startswith("img2img-images/")
    assert first.pictures[0].file.startswith("img2img-images/")


def test_anothers_picture_is_as_unknown_as_one_that_never_was(room):
    theirs = upload(room, owner="you")
    job = room.jobs.submit("you", GenerationParams())
    room.jobs._store.get(job.id)
    unknown = refusal(room, init_images=["0" * 32])
    for name in (theirs, f"{job.id}/0", f"{'0' * 32}/0"):
        field, sentence = refusal(room, init_images=[name])
        assert (field, sentence.replace(name, "0" * 32)) == unknown


@pytest.mark.parametrize("field", ["mask", "detailer_mask", "firstpass_image"])
def test_each_field_is_named_in_its_refusal(room, field):
    others = {"init_images": [upload(room)]} if field == "mask" else {}
    assert refusal(room, **{field: "0" * 32}, **others)[0] == field
    assert refusal(room, **{field: "no picture"}, **others)[0] == field


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "neither the id"),
        (base64.b64encode(png()[:40]).decode(), "is damaged"),
        (base64.b64encode(b"hello").decode(), "not a picture"),
        ("", "is empty"),
        ("http://127.0.0.1/x.png", "aren't fetched"),
    ],
)
def test_what_can_not_be_read_is_refused_with_its_number(room, text, sentence):
    field, told = refusal(room, init_images=[enclosed(), text])
    assert field == "init_images"
    assert told.startswith("Picture 2: ")
    assert sentence in told


def test_an_upload_that_a_job_names_is_kept(room):
    name = upload(room)
    assert room.inputs.path("me", name).parent.name == "unused"
    room.submit(init_images=[name], live="canvas")
    assert room.inputs.path("me", name).parent.name == "unused"
    room.submit(init_images=[name])
    assert room.inputs.path("me", name).parent.name != "unused"


def test_a_picture_that_goes_before_its_turn_fails_the_job_with_a_sentence(room):
    slow = room.submit("slow")
    room.in_step()
    name = upload(room)
    job = room.submit(init_images=[name])
    room.inputs.path("me", name).unlink()
    room.jobs.interrupt("me", slow.id)
    failed = room.ended(job)
    assert failed.state == "failed"
    assert "no longer there" in failed.error


def test_after_a_restart_a_waiting_job_finds_its_pictures(tmp_path, catalog):
    before = Room(tmp_path, catalog, Artist)
    job = before.submit(init_images=[enclosed()], mask=enclosed(BLUE))
    before.store.close()
    after = Room(tmp_path, catalog, Artist)
    after.inputs.sweep(30)
    after.worker.start()
    done(after, job)
    assert after.engine.orders[0].inputs.image.getpixel((0, 0)) == (255, 0, 0)
    after.worker.stop()
    after.store.close()


# Folders on the server


def test_a_folders_pictures_are_drawn_one_by_one(room, tmp_path):
    folder = tmp_path / "batch" / "cats"
    folder.mkdir(parents=True)
    for number in (10, 9, 1):
        (folder / f"{number}.png").write_bytes(png(f"#0000{number:02x}"))
    job = room.submit(init_folder="cats", seed=5)
    assert job.params.init_images == ("batch:cats/1.png", "batch:cats/9.png", "batch:cats/10.png")
    assert (job.params.init_folder, job.rounds) == ("", 3)
    (folder / "damaged").write_bytes(b"no picture any more")
    (folder / "damaged").replace(folder / "10.png")  # at once: the worker may be reading it
    ended = done(room, job)
    assert [picture.seed for picture in ended.pictures] == [5]
    assert [order.inputs.image.getpixel((0, 0))[2] for order in room.engine.orders] == [1, 9]
    notices = " ".join(room.jobs.notices(job))
    assert "nine is too much" in notices
    assert '"10.png" is not a picture' in notices


def test_a_folder_beside_pictures_has_no_more_room_than_there_is(room, tmp_path):
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch" / "1.png").write_bytes(png())
    told = refusal(room, init_images=[upload(room)] * 1000, init_folder=".")
    assert told[0] == "init_folder"
    assert 'There are 1 pictures in the folder "." and 1,000 beside it; 1,000 at once' in told[1]


def test_enclosed_pictures_have_so_many_pixels_together(room, monkeypatch):
    monkeypatch.setattr(allowance, "MAX_ENCLOSED", 2 * 16 * 16)
    done(room, room.submit(init_images=[enclosed()], mask=enclosed(BLUE)))
    room.submit(init_images=[upload(room)] * 9)
    for job in room.jobs.listed("me"):
        room.jobs.interrupt("me", job.id)
    with pytest.raises(InvalidParamsError, match=r"Picture 2: .*Upload them one by one") as refused:
        room.submit(init_images=[enclosed(), enclosed(size=(17, 17))])
    assert refused.value.field == "init_images"


def test_a_folder_elsewhere_is_refused(room, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.png").write_bytes(png())
    for name in ("../secret", str(tmp_path / "secret"), "gone"):
        assert refusal(room, init_folder=name)[0] == "init_folder"
    field, _ = refusal(room, init_images=["batch:../secret/x.png"])
    assert field == "init_images"


# What the engine is given


def test_sizes_follow_the_picture(room):
    name = upload(room, size=(100, 75))
    job = room.submit(init_images=[name], scale_by=2)
    assert (job.params.width, job.params.height) == (200, 152)
    several = room.submit(init_images=[name, upload(room, size=(64, 80))], scale_by=1)
    done(room, several)
    assert [(order.params.width, order.params.height) for order in room.engine.orders] == [
        (200, 152),
        (104, 80),
        (64, 80),
    ]
    assert [(one.width, one.height) for one in room.get(several).pictures] == [(104, 80), (64, 80)]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"scale_by": 8}, "scale_by"),
        ({"scale_by": 4, "batch_size": 64}, "scale_by"),
        ({"extras": ExtrasParams(upscaling_resize=16)}, "upscaling_resize"),
        ({"extras": ExtrasParams(resize_mode=1, upscaling_resize_w=16_384)}, "upscaling_resize_w"),
        ({"script": SDUpscale(scale_factor=8)}, "script"),
    ],
)
def test_what_would_be_too_large_is_refused(room, params, field):
    name = upload(room, size=(2000, 2000))
    assert refusal(room, init_images=[name], **params)[0] == field


def test_a_mask_is_brought_to_the_pictures_size(room):
    name = upload(room, size=(100, 80))
    for size, notices in (((50, 40), 0), ((100, 80), 0), ((64, 64), 1)):
        job = done(room, room.submit(init_images=[name], mask=enclosed("#ffffff", size=size)))
        mask = room.engine.orders[-1].inputs.mask
        assert (mask.mode, mask.size, mask.getextrema()) == ("L", (100, 80), (255, 255))
        assert len(room.jobs.notices(job)) == notices
    assert "The mask is 64x64 and the picture 100x80" in room.jobs.notices(job)[0]


def test_a_mask_without_a_picture_is_not_opened(room):
    done(room, room.submit(mask=enclosed()))
    assert room.engine.orders[0].inputs.mask is None


def test_upscaling_a_finished_picture_takes_its_size(room):
    first = done(room, room.submit(width=128, height=192))
    job = done(room, room.submit(enable_hr=True, firstpass_image=f"{first.id}/0", width=512, height=512))
    order = room.engine.orders[-1]
    assert (order.params.width, order.params.height) == (128, 192)
    assert order.inputs.image.size == (128, 192)
    assert job.pictures[0].parents == (f"{first.id}/0",)
    assert job.pictures[0].file.startswith("txt2img-images/")


def test_too_large_an_enlargement_is_refused(room):
    name = upload(room, size=(2000, 100))
    field, sentence = refusal(room, enable_hr=True, firstpass_image=name, hr_scale=8)
    assert field == "hr_scale"
    assert "8192" in sentence


# Scripts


def test_loopback_starts_from_the_picture_before(room):
    name = upload(room, BLUE)
    job = done(room, room.submit(init_images=[name], script=Loopback(loops=3), seed=7))
    starts = [order.inputs.image.getpixel((0, 0)) for order in room.engine.orders]
    assert starts == [(0, 0, 255), (10, 0, 0), (20, 0, 0)]
    pictures = [picture for picture in job.pictures if picture.kind == "picture"]
    assert [picture.parents for picture in pictures] == [(), (f"{job.id}/0",), (f"{job.id}/1",)]
    grids = [picture for picture in job.pictures if picture.kind == "grid"]
    assert all(grid.file.startswith("img2img-grids/") for grid in grids)


def pierced(size, box):
    """A blue picture with a hole in it."""
    image = Image.new("RGBA", size, BLUE)
    image.paste((0, 0, 0, 0), box)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def marked(size, box):
    image, stream = Image.new("L", size), io.BytesIO()
    image.paste(255, box)
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize("transparent", [False, True])
def test_in_each_loop_the_mask_lies_at_the_same_place(room, transparent):
    """The first loop cuts the picture's sides off, and the mask's with them."""
    size, box = (128, 64), (64, 16, 80, 32)
    given = (
        {"init_images": [pierced(size, box)]}
        if transparent
        else {"init_images": [enclosed(BLUE, size=size)], "mask": marked(size, box)}
    )
    details = {"detailer": "Mask", "detailer_mask": marked(size, box)}
    fields = {"width": 128, "height": 128, "resize_mode": 1, "script": Loopback(loops=3)}
    done(room, room.submit(**given, **details, **fields))
    first, *others = [order.inputs for order in room.engine.orders]
    assert (first.mask is None) == transparent
    assert first.detail_mask.getbbox() == box
    for inputs in others:
        for mask in (inputs.mask, inputs.detail_mask):
            assert mask.size == inputs.image.size == (128, 128)
            certain = mask.point([255 * (grey > 127) for grey in range(256)])
            assert certain.getbbox() == (64, 32, 96, 64)
    told = [order.told(0, "Karras").masked for order in room.engine.orders]
    assert told == [True] * 3


def test_a_loop_whose_first_failed_begins_anew(room):
    """Not with what the batch before has made; and as the first one would have."""

    def paint(order, observer, iteration):
        if len(room.engine.orders) == 3:
            raise RuntimeError("lamp burnt out")
        Artist.paint(room.engine, order, observer, iteration)

    wait_until(lambda: room.engine)
    room.engine.paint = paint
    fields = {"scale_by": 8, "n_iter": 2, "inpainting_fill": 2, "script": Loopback(loops=2)}
    name = upload(room, BLUE)
    job = done(room, room.submit(init_images=[name], mask=enclosed(), **fields))
    orders = room.engine.orders
    assert [order.inputs.image.size[0] for order in orders] == [16, 128, 16, 16]
    assert [order.inputs.image.getpixel((0, 0))[2] for order in orders] == [255, 0, 255, 255]
    assert [order.params.scale_by for order in orders] == [8, 1, 8, 8]
    assert [order.params.inpainting_fill for order in orders] == [2, 1, 2, 2]
    assert {order.params.width for order in orders} == {128}
    pictures = [picture for picture in job.pictures if picture.kind == "picture"]
    assert [picture.parents for picture in pictures] == [(), (f"{job.id}/0",), ()]


def test_a_plot_starts_from_one_picture_in_each_cell(room):
    script = XYZPlot(x_axis="Denoising", x_values="0.2, 0.5, 0.8")
    job = done(room, room.submit(init_images=[upload(room)], script=script))
    assert [order.params.denoising_strength for order in room.engine.orders] == [0.2, 0.5, 0.8]
    assert all(order.inputs.image for order in room.engine.orders)
    assert len(job.pictures) == 4


def test_sd_upscale_keeps_its_script_and_names_no_file_for_lanczos(room):
    done(room, room.submit(init_images=[upload(room)], script=SDUpscale(upscaler="lanczos"), scale_by=2))
    [order] = room.engine.orders
    assert order.params.script.upscaler == "Lanczos"
    assert order.upscalers == {}
    assert (order.params.width, order.params.height) == (128, 128)


# Parents


def test_a_picture_knows_what_it_was_made_from(room):
    first = done(room, room.submit())
    parent = f"{first.id}/0"
    brought = upload(room, BLUE, parent=parent)
    anothers = upload(room, RED, parent=f"{'0' * 32}/0")
    for name, parents in ((parent, (parent,)), (brought, (parent,)), (anothers, ())):
        job = done(room, room.submit(init_images=[name]))
        assert job.pictures[0].parents == parents
        assert (job.pictures[0].width, job.pictures[0].height) == (128, 128)
        assert job.pictures[0].created > job.created


# Extras


def test_extras_mend_without_a_checkpoint(room, monkeypatch, catalog):
    monkeypatch.setattr(catalog, "find", lambda name: pytest.fail("no checkpoint is needed"))
    first, second = upload(room, size=(10, 8)), upload(room, BLUE, size=(6, 4))
    extras = ExtrasParams(upscaling_resize=3, upscaler_1="nearest")
    job = done(room, room.submit(init_images=[first, second], extras=extras))
    assert [repair.extras.upscaler_1 for repair in room.engine.repairs] == ["Nearest", "Nearest"]
    assert [(picture.width, picture.height) for picture in job.pictures] == [(30, 24), (18, 12)]
    assert [picture.file.split("/")[0] for picture in job.pictures] == ["extras-images"] * 2
    assert [picture.file.split("/")[2] for picture in job.pictures] == ["00000.png", "00001.png"]
    assert (job.rounds, room.engine.orders) == (2, [])


def test_extras_keep_what_the_picture_tells(room):
    first = done(room, room.submit(seed=77))
    job = done(room, room.submit(init_images=[f"{first.id}/0"], extras=ExtrasParams(upscaling_resize=2)))
    assert job.pictures[0].infotext == "Seed: 77 mended"
    assert job.pictures[0].parents == (f"{first.id}/0",)


def test_extras_want_a_picture_and_known_upscalers(room):
    assert refusal(room, extras=ExtrasParams())[0] == "init_images"
    name = upload(room)
    for field in ("upscaler_1", "upscaler_2"):
        extras = ExtrasParams(**{field: "Nonsense"})
        refused, sentence = refusal(room, init_images=[name], extras=extras)
        assert refused == field
        assert 'no upscaler "Nonsense"' in sentence


def test_the_next_extras_read_nothing_ahead(room):
    slow = room.submit("slow", n_iter=2)
    room.in_step()
    job = room.submit(init_images=[upload(room)], extras=ExtrasParams())
    room.jobs.skip("me", slow.id)
    room.in_step()
    room.jobs.interrupt("me", slow.id)
    done(room, job)
    assert room.engine.read_ahead == []


def test_run_again_draws_from_the_same_pictures(room):
    job = done(room, room.submit(init_images=[upload(room), upload(room, BLUE)]))
    again = done(room, room.jobs.run_again("me", job.id))
    assert again.params.init_images == job.params.init_images
    room.inputs.path("me", job.params.init_images[0]).unlink()
    with pytest.raises(InvalidParamsError, match="Picture 1: You have no picture"):
        room.jobs.run_again("me", job.id)
