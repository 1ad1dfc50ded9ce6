"""Which VAE decodes for SD 3 and Flux, and which can't."""

import pytest

from tests.catalog.samples import SD1, folder, write
from tests.catalog.test_catalog import FLUX_ALONE, SD3_ALONE
from webui.catalog.catalog import Catalog
from webui.catalog.downloads.sources import HubSource, parse
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.catalog.vae_choice import SOURCES
from webui.params import InvalidParamsError

MIDDLE = {"decoder.mid.block_1.conv1.weight": (8, 8, 3, 3)}
OWN_VAE = {"first_stage_model.decoder.conv_in.weight": (8, 16, 3, 3)}


def catalog_of(tmp_path, **vaes):
    """Checkpoints of each family, and VAE files of so many channels, "__" for "/"."""
    for name, shapes in {"sd1": SD1, "flux": FLUX_ALONE, "sd3": SD3_ALONE}.items():
        write(tmp_path / "ckpt" / f"{name}.safetensors", shapes)
    whole = {f"model.diffusion_model.{name}": shape for name, shape in SD3_ALONE.items()}
    write(tmp_path / "ckpt" / "whole.safetensors", {**whole, **OWN_VAE})
    moon = folder(tmp_path / "ckpt" / "folder", "FluxPipeline")
    (moon / "unet").rename(moon / "transformer")
    for name, channels in vaes.items():
        file = tmp_path / "vae" / f"{name.replace('__', '/')}.safetensors"
        write(file, {**MIDDLE, "decoder.conv_in.weight": (8, channels, 3, 3)})
    folders = [ModelFolder(tmp_path / "ckpt"), ModelFolder(tmp_path / "vae", ("vae",))]
    return Catalog(folders, ModelIndex(), ModelSettingsStore())


def chosen(catalog, checkpoint, name="Automatic"):
    vae = catalog.find_vae(name, catalog.find(checkpoint))
    return vae.name.removesuffix(".safetensors") if vae else None


def refusal(catalog, checkpoint, name="Automatic"):
    with pytest.raises(InvalidParamsError) as caught:
        catalog.find_vae(name, catalog.find(checkpoint))
    assert caught.value.field == "vae"
    return str(caught.value)


@pytest.mark.parametrize(
    ("vaes", "flux", "sd3"),
    [
        (("anything",), "anything", "anything"),
        (("ae", "sd3_vae"), "ae", "sd3_vae"),
        (("FLUX1__diffusion_pytorch_model", "other"), "FLUX1/diffusion_pytorch_model", "other"),
        (("sd3.5_vae", "a", "b"), None, "sd3.5_vae"),
        (("a", "b"), None, None),
        (("ae",), "ae", None),
        (("flux-a", "flux-b"), "flux-a", None),
        (("stable-diffusion-3.5-large",), None, "stable-diffusion-3.5-large"),
        (("mae", "vae"), None, None),
    ],
)
def test_automatic_takes_the_one_whose_name_fits_or_the_only_one(tmp_path, vaes, flux, sd3):
    catalog = catalog_of(tmp_path, **dict.fromkeys(vaes, 16), clear=4, flux2=32)
    for checkpoint, expected in (("flux", flux), ("sd3", sd3)):
        if expected:
            assert chosen(catalog, checkpoint) == expected
        else:
            told = f'"{checkpoint}.safetensors" holds no VAE. Choose one under SD VAE.'
            assert refusal(catalog, checkpoint) == told


def test_a_file_called_like_the_checkpoint_comes_first_if_it_fits(tmp_path):
    assert chosen(catalog_of(tmp_path / "a", ae=16, flux=16), "flux") == "flux"
    assert chosen(catalog_of(tmp_path / "b", ae=16, flux=4), "flux") == "ae"


def test_its_own_comes_before_the_familys(tmp_path):
    catalog = catalog_of(tmp_path, sd3_vae=16, ae=16)
    assert chosen(catalog, "whole") is None
    assert chosen(catalog, "whole", "ae") == "ae"
    assert refusal(catalog, "sd3", "None") == '"sd3.safetensors" holds no VAE. Choose one under SD VAE.'


@pytest.mark.parametrize("vaes", [{}, {"clear": 4}])
def test_without_any_the_file_its_place_and_its_source_are_told(tmp_path, vaes):
    catalog = catalog_of(tmp_path, **vaes)
    assert refusal(catalog, "flux") == (
        '"flux.safetensors" holds no VAE. Put Flux\'s VAE (ae.safetensors) into models/VAE, or download it '
        'as a VAE in the Models tab under "Get models": '
        "Comfy-Org/Lumina_Image_2.0_Repackaged:split_files/vae/ae.safetensors."
    )
    assert "SD 3's VAE (sd3_vae.safetensors)" in refusal(catalog, "sd3")


@pytest.mark.parametrize("family", SOURCES)
def test_what_is_told_to_download_is_understood(family):
    source = SOURCES[family][1].removesuffix(" (wants a login)")
    assert isinstance(parse(source, "https://huggingface.co"), HubSource)


@pytest.mark.parametrize(
    ("checkpoint", "vae", "told", "needed"),
    [("sd1", "ae", 16, 4), ("flux", "clear", 4, 16), ("sd3", "clear", 4, 16), ("flux", "flux2", 32, 16)],
)
def test_a_vae_of_other_channels_is_refused(tmp_path, checkpoint, vae, told, needed):
    catalog = catalog_of(tmp_path, ae=16, clear=4, flux2=32)
    assert refusal(catalog, checkpoint, vae) == (
        f'The VAE "{vae}.safetensors" doesn\'t fit "{checkpoint}.safetensors": it decodes latents of {told} '
        f"channels, and that model's have {needed}. Choose another under SD VAE, or Automatic."
    )


def test_a_folder_that_diffusers_draws_with_keeps_to_its_own(tmp_path):
    catalog = catalog_of(tmp_path, ae=16, folder=16)
    assert chosen(catalog, "folder") is None
    assert chosen(catalog, "folder", "None") is None
    assert refusal(catalog, "folder", "ae").startswith('"folder" decodes with its own VAE only.')
