"""ControlNet units on their way from a wish to the engine."""

import base64
import io
from dataclasses import replace

import pytest
from PIL import Image

from tests.catalog.samples import write
from tests.jobs.test_worker import Painter, Room
from webui.catalog.catalog import Catalog
from webui.catalog.entry import Identity
from webui.catalog.folders import CONTROLS, ModelFolder
from webui.catalog.folders import VISION as VISIONS
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import BUILT_IN_CHECKPOINTS
from webui.imaging.preprocessors.built_in import BUILT_IN
from webui.imaging.preprocessors.preprocessor import Preprocessor
from webui.imaging.preprocessors.table import Preprocessors
from webui.jobs.control_units import ControlUnits
from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import XYZPlot

HINT = {"control_model.input_hint_block.0.weight": (16, 3, 3, 3)}
XL = {**HINT, "control_model.label_emb.0.0.weight": (8, 8)}
ADAPTER = {
    "image_proj.proj.weight": (8, 8),
    "image_proj.norm.weight": (8,),
    "ip_adapter.1.to_k_ip.weight": (8, 192),
    "ip_adapter.1.to_v_ip.weight": (8, 192),
}
BLIND = {**ADAPTER, "image_proj.proj.weight": (8, 1024)}
VISION = {
    "vision_model.embeddings.class_embedding": (16,),
    "vision_model.encoder.layers.0.mlp.fc1.weight": (8, 16),
    "visual_projection.weight": (8, 16),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The demo model, ControlNets of two families, IP-Adapters with and without their image encoder."""
    folder = tmp_path_factory.mktemp("models")
    write(folder / "sub" / "my_canny.safetensors", HINT)
    write(folder / "xl_canny.safetensors", XL)
    write(folder / "ip.safetensors", ADAPTER)
    write(folder / "blind.safetensors", BLIND)
    seeing = tmp_path_factory.mktemp("vision")
    write(seeing / "vision.safetensors", VISION)
    own = [ModelFolder(folder, CONTROLS), ModelFolder(seeing, VISIONS)]
    folders = [ModelFolder(BUILT_IN_CHECKPOINTS), *own]
    return Catalog(folders, ModelIndex(), ModelSettingsStore())


@pytest.fixture
def room(tmp_path, models):
    room = Room(tmp_path, models, Painter)
    room.worker.start()
    yield room
    room.worker.stop()
    room.store.close()


def encoded(color="red", size=(16, 16)):
    stream = io.BytesIO()
    Image.new("RGBA" if len(color) == 9 else "RGB", size, color).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def unit(color="red", **fields):
    return {"image": encoded(color), "module": "canny", "model": "my_canny", **fields}


def drawn(room, *units, **params):
    ended = room.ended(room.submit(control=units, **params))
    assert (ended.state, ended.error) == ("done", None)
    return room.engine.orders[-1]


def refusal(room, *units, **params):
    with pytest.raises(InvalidParamsError) as refused:
        room.submit(control=units, **params)
    assert room.jobs.listed("me") == []
    assert refused.value.field == "control"
    return str(refused.value)


def test_a_unit_reaches_the_engine_with_its_picture_and_model(room):
    order = drawn(room, unit("blue", mask=encoded("white", (4, 4))))
    (control,) = order.controls
    assert control.model.name == control.unit.model == "sub/my_canny.safetensors"
    assert (control.unit.threshold_a, control.unit.threshold_b) == (100, 200)
    assert control.image.getpixel((0, 0)) == (0, 0, 255)
    assert (control.mask.mode, control.mask.size, control.mask.getextrema()) == ("L", (4, 4), (255, 255))


def test_pictures_become_uploads_that_are_kept(room):
    job = room.ended(room.submit(control=[unit("blue"), unit("red", enabled=False)]))
    names = [one.image for one in job.params.control]
    assert all(len(name) == 32 for name in names)
    assert all(room.inputs.path("me", name).parent.name != "unused" for name in names)
    again = room.ended(room.jobs.run_again("me", job.id))
    assert again.params.control == job.params.control
    assert room.engine.orders[-1].controls[0].image.getpixel((0, 0)) == (0, 0, 255)


def test_units_that_are_not_enabled_are_left_out(room):
    order = drawn(room, unit(enabled=False, model="gone", image=""), unit("blue"))
    assert [control.image.getpixel((0, 0)) for control in order.controls] == [(0, 0, 255)]
    assert len(order.params.control) == 2


def test_a_finished_picture_can_steer(room):
    first = room.ended(room.submit())
    order = drawn(room, unit(image=f"{first.id}/0"))
    assert order.controls[0].image.size == (8, 8)


def test_without_a_picture_of_its_own_a_unit_takes_the_one_that_is_drawn_from(room):
    order = drawn(room, unit(image=""), init_images=[encoded("lime", (32, 8))], resize_mode=2)
    (control,) = order.controls
    assert (control.image.size, control.image.getpixel((0, 0))) == ((32, 8), (0, 255, 0))
    assert control.unit.resize_mode == "Resize and Fill"
    assert order.params.control[0].resize_mode == "Crop and Resize"


def test_without_any_picture_it_is_refused(room):
    assert refusal(room, unit(), unit(image="")).startswith("ControlNet unit 1: there is no control image.")


def test_inpainting_takes_the_mask_that_is_painted(room):
    mask, other = encoded("white", (8, 8)), encoded("black", (8, 8))
    masked = {"init_images": [encoded()], "mask": mask}
    inpaint = {"module": "inpaint_only"}

    def seen(*units, **params):
        return drawn(room, *units, **params).controls[0].mask.getextrema()

    assert seen(unit(image="", **inpaint), **masked) == (255, 255)
    assert seen(unit(mask=mask, **inpaint)) == (255, 255)
    assert seen(unit(mask=other, **inpaint), **masked) == (0, 0)
    assert seen(unit("#ff000000", **inpaint)) == (255, 255)
    assert seen(unit("blue", **inpaint), **masked, inpainting_mask_invert=True) == (0, 0)
    assert drawn(room, unit(image=""), **masked).controls[0].mask is None


def test_inpainting_without_a_mask_says_so(room):
    job = room.ended(room.submit(control=[unit(module="inpaint_only")]))
    assert job.state == "failed"
    assert job.error == 'ControlNet unit 0: "inpaint_only" wants to know what is to change. Paint a mask.'


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"module": "cany"}, 'There is no preprocessor "cany" here.'),
        ({"model": "gone"}, 'there is no model "gone". Found: sub/my_canny.safetensors'),
        ({"model": "None"}, '"canny" steers nothing without a model. Choose one.'),
        ({"model": "xl_canny"}, 'is for SDXL, and "darkroom-demo" is SD 1.x'),
        ({"module": "ip-adapter_auto"}, '"ip-adapter_auto" goes with IP-Adapters'),
        ({"model": "blind"}, "needs the CLIP image encoder that it was trained with (CLIP ViT-H/14)"),
        ({"image": "0" * 32}, "You have no picture"),
        ({"mask": "no picture"}, "neither the id of an uploaded picture"),
    ],
)
def test_what_can_not_be_used_is_refused_before_the_job(room, fields, sentence):
    told = refusal(room, unit(), unit(**fields))
    assert told.startswith("ControlNet unit 1: ")
    assert sentence in told


@pytest.mark.parametrize("name", ["my_canny", "MY_CANNY.safetensors", "sub/my_canny", "my_canny [01234567]"])
def test_models_are_found_under_all_their_names(room, name):
    assert drawn(room, unit(model=name)).controls[0].model.name == "sub/my_canny.safetensors"


def test_reference_needs_no_model(room):
    for model in ("None", "my_canny"):
        (control,) = drawn(room, unit(module="reference_only", model=model)).controls
        assert (control.model, control.unit.model, control.unit.threshold_a) == (None, "None", 0.5)


def test_an_ip_adapter_brings_its_own_preprocessor(room):
    (control,) = drawn(room, unit(module="none", model="ip")).controls
    assert (control.model.kind, control.unit.module) == ("ip-adapter", "ip-adapter_auto")


def test_the_infotext_tells_the_model_as_the_extension_does(room):
    order = drawn(room, unit(image="", weight=0.5), init_images=[encoded()])
    (told,) = order.told(0, "Karras").control
    assert told.model == "my_canny [e3b0c442]"  # the file is smaller than what the hash is of
    assert told.weight == 0.5


def test_what_is_missing_is_said_before_the_job(models, demo):
    lacking = Preprocessor("lacking", "", "All", BUILT_IN[0].run, missing=lambda: "lacking needs a file.")
    units = ControlUnits(models, Preprocessors([lacking]))
    params = GenerationParams(control=[{"image": "0" * 32, "module": "lacking"}])
    with pytest.raises(InvalidParamsError, match=r"ControlNet unit 0: lacking needs a file\."):
        units.settled(params, demo)


@pytest.mark.parametrize("family", ["flux", "other", "sdxl-refiner"])
@pytest.mark.parametrize("module", ["canny", "reference_only"])
def test_families_that_can_not_be_steered_are_said(models, demo, family, module):
    units = ControlUnits(models, Preprocessors(BUILT_IN))
    params = GenerationParams(control=[{"image": "0" * 32, "module": module, "model": "my_canny"}])
    with pytest.raises(InvalidParamsError, match="control images can't steer"):
        units.settled(params, replace(demo, identity=Identity("checkpoint", family)))


def test_a_plot_varies_the_unit_and_is_checked_before_it_is_queued(room):
    plot = XYZPlot(x_axis="[ControlNet] Weight", x_values="0.5, 1", y_axis="Steps", y_values="1")
    drawn(room, unit(), script=plot)
    assert [order.controls[0].unit.weight for order in room.engine.orders] == [0.5, 1.0]
    plot = XYZPlot(x_axis="[ControlNet] Model", x_values="my_canny, xl_canny")
    with pytest.raises(InvalidParamsError, match=r"xl_canny.*ControlNet unit 0: .* is for SDXL"):
        room.submit(control=[unit()], script=plot)


@pytest.mark.parametrize("letters", ["xy", "yx"])
def test_a_plot_may_vary_start_and_end_of_a_unit_on_any_axes(room, letters):
    def plot(start, end):
        told = (("[ControlNet] Guidance Start", start), ("[ControlNet] Guidance End", end))
        fields = {}
        for letter, (axis, values) in zip(letters, told, strict=True):
            fields |= {f"{letter}_axis": axis, f"{letter}_values": values}
        return XYZPlot(**fields)

    drawn(room, unit(guidance_start=0.5), script=plot("0.1, 0.2", "0.3"))
    seen = [
        (order.controls[0].unit.guidance_start, order.controls[0].unit.guidance_end)
        for order in room.engine.orders
    ]
    assert seen == [(0.1, 0.3), (0.2, 0.3)]
    with pytest.raises(
        InvalidParamsError, match=r"ControlNet unit 0: Starting Control Step \(0\.4\) is behind"
    ):
        room.submit(control=[unit()], script=plot("0.1, 0.4", "0.3"))


def test_the_tab_of_control_images_has_jobs_of_its_own_kind(room):
    alone = {"control_alone": True}
    assert room.submit(control=[unit()], **alone).params.kind == "control"
    assert room.submit(control=[unit()]).params.kind == "txt2img"
    assert room.submit(control=[unit(enabled=False)], **alone).params.kind == "txt2img"
    assert room.submit(control=[unit()], init_images=[encoded()], **alone).params.kind == "img2img"


def test_large_control_images_are_brought_to_what_maps_are_made_of(room):
    (control,) = drawn(room, unit(image=encoded("red", (6000, 5000)))).controls
    assert control.image.width * control.image.height <= 4096 * 4096 * 1.01


def test_the_colour_fix_changes_the_finished_picture_but_not_what_is_masked_from_it(room):
    fix = unit("lime", module="tile_colorfix")

    def colour(**params):
        job = room.ended(room.submit(control=[fix], **params))
        with Image.open(room.outputs.path(job.pictures[0].file)) as image:
            return image.convert("RGB").getpixel((4, 4))

    assert colour() == (0, 255, 0)
    masked = {"init_images": [encoded()], "mask": encoded("white")}
    assert colour(**masked) == (0, 0, 0)  # as the engine drew it
