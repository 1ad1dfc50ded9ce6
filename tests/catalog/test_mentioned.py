"""Which of the models here a text means."""

import pytest

from tests.catalog.samples import SD1, VAE, raw, write
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.mentioned import resolve
from webui.catalog.model_settings import ModelSettingsStore
from webui.infotext import Infotext, read
from webui.params.control import ControlUnit


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """Two checkpoints of known hashes, one whose isn't known, a broken one and a VAE."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("anime/one", "two", "unhashed"):
        write(folder / "ckpt" / f"{name}.safetensors", SD1, {"name": name})
    raw(folder / "ckpt" / "broken.safetensors", b"{")
    write(folder / "vae" / "mse.safetensors", VAE)
    folders = [ModelFolder(folder / "ckpt"), ModelFolder(folder / "vae", ("vae",))]
    catalog = Catalog(folders, ModelIndex(), ModelSettingsStore())
    for name in ("anime/one", "two"):
        catalog.short_hash(catalog.find(name))
    return catalog


def digits(catalog, name, count=10):
    return catalog.find(name).sha256[:count]


def test_a_hash_outranks_a_name(catalog):
    found = resolve(catalog, Infotext(checkpoint="two", model_hash=digits(catalog, "one")))
    assert found.fields["checkpoint"] == "anime/one.safetensors"
    assert found.notices == ()


@pytest.mark.parametrize("count", [10, 12, 64])
def test_as_many_digits_as_programs_write(catalog, count):
    found = resolve(catalog, Infotext(model_hash=digits(catalog, "two", count).upper()))
    assert (found.fields["checkpoint"], found.notices) == ("two.safetensors", ())


@pytest.mark.parametrize("kind", ["{:.8}", "blake3:{}", "sha256:{}"])
def test_other_hashes_are_of_other_bytes_and_tell_nothing(catalog, kind):
    other = kind.format(digits(catalog, "one"))
    found = resolve(catalog, Infotext(checkpoint="two", model_hash=other))
    assert (found.fields["checkpoint"], found.notices) == ("two.safetensors", ())


@pytest.mark.parametrize("name", ["one", "anime/one.safetensors", "ONE.SAFETENSORS"])
def test_without_a_hash_the_name_counts(catalog, name):
    found = resolve(catalog, Infotext(checkpoint=name))
    assert (found.fields["checkpoint"], found.notices) == ("anime/one.safetensors", ())


def test_a_file_whose_hash_nobody_knows_is_found_by_name(catalog):
    found = resolve(catalog, Infotext(checkpoint="unhashed", model_hash="0123456789"))
    assert (found.fields["checkpoint"], found.notices) == ("unhashed.safetensors", ())


def test_another_file_of_that_name_is_taken_and_told(catalog):
    found = resolve(catalog, Infotext(checkpoint="two", model_hash="0123456789"))
    assert found.fields["checkpoint"] == "two.safetensors"
    assert found.notices == (
        'The checkpoint "two.safetensors" here is another file than "two" (0123456789): pictures differ.',
    )


@pytest.mark.parametrize(
    ("told", "notice"),
    [
        (
            {"checkpoint": "x", "model_hash": "abc123"},
            'The checkpoint "x" (abc123) is not here; the one chosen stays.',
        ),
        ({"model_hash": "abc123"}, "The checkpoint (abc123) is not here; the one chosen stays."),
        ({"vae": "x.pt"}, 'The VAE "x.pt" is not here; the one chosen stays.'),
        ({"refiner": "x"}, 'The refiner "x" is not here; none is used.'),
        ({"hires": "x"}, 'The hires checkpoint "x" is not here; the first pass\'s serves.'),
    ],
)
def test_what_is_not_here_is_told(catalog, told, notice):
    found = resolve(catalog, Infotext({"steps": 20}, **told))
    assert found.notices == (notice,)
    assert found.fields == {"steps": 20, "refiner_checkpoint": "", "hr_checkpoint_name": ""}


def test_what_cannot_be_used_is_told(catalog):
    found = resolve(catalog, Infotext(checkpoint="broken"))
    assert "checkpoint" not in found.fields
    assert found.notices[0].startswith('The checkpoint "broken" can\'t be used: ')


def test_vae_and_refiner_are_found(catalog):
    told = Infotext(
        {"steps": 20}, vae="mse", refiner="two", refiner_hash=digits(catalog, "two"), hires="unhashed"
    )
    found = resolve(catalog, told)
    assert found.fields == {
        "steps": 20,
        "vae": "mse.safetensors",
        "refiner_checkpoint": "two.safetensors",
        "hr_checkpoint_name": "unhashed.safetensors",
    }
    assert found.notices == ()


def test_no_vae_in_darkrooms_own_text_means_that_none_was_chosen(catalog):
    line = "a\nSteps: 20, Sampler: Euler, CFG scale: 7, Version: "
    assert resolve(catalog, read(f"{line}Darkroom 1.0")).fields["vae"] == "Automatic"
    assert "vae" not in resolve(catalog, read(f"{line}v1.5.0")).fields


def test_a_prompt_alone_changes_nothing_else(catalog):
    assert resolve(catalog, read("a cat")).fields == {"prompt": "a cat", "negative_prompt": ""}


def test_the_infotext_itself_stays_as_it_is(catalog):
    infotext = Infotext({"steps": 20}, checkpoint="two")
    resolve(catalog, infotext)
    assert infotext.fields == {"steps": 20}


@pytest.fixture
def controls(tmp_path):
    write(
        tmp_path / "sub" / "my_canny.safetensors", {"control_model.input_hint_block.0.weight": (8, 3, 3, 3)}
    )
    folders = [ModelFolder(tmp_path, ("controlnet",))]
    return Catalog(folders, ModelIndex(), ModelSettingsStore())


def test_controlnets_are_found_and_units_without_theirs_are_switched_off(controls):
    units = [ControlUnit(model=name) for name in ("my_canny [d14c016b]", "gone [01234567]", "None")]
    found = resolve(controls, Infotext({"control": tuple(units)}))
    assert [(unit.model, unit.enabled) for unit in found.fields["control"]] == [
        ("sub/my_canny.safetensors", True),
        ("gone [01234567]", False),
        ("None", True),
    ]
    assert found.notices == (
        'The ControlNet model "gone [01234567]" is not here; unit 1 is switched off.',
        "Texts don't hold the control images of ControlNet units: choose them again.",
    )
