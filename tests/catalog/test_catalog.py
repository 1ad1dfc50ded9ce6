"""The catalog: which file a name means, which is begun with, what lies where it doesn't belong."""

import hashlib
import os

import pytest

from tests.catalog.samples import LORA, SD1, VAE, WEIGHTS, folder, write
from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelSettings
from webui.catalog.folders import ModelFolder, model_folders
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import BUILT_IN_CHECKPOINTS, DEMO, Config
from webui.params import GenerationParams, InvalidParamsError

NO_VAE = {name: shape for name, shape in SD1.items() if not name.startswith("first_stage_model.")}


def over(*folders):
    return Catalog(folders, ModelIndex(), ModelSettingsStore())


def refusal(catalog, name, field="checkpoint"):
    with pytest.raises(InvalidParamsError) as caught:
        catalog.find(name)
    assert caught.value.field == field
    return str(caught.value)


def vae_refusal(catalog, name, checkpoint):
    with pytest.raises(InvalidParamsError) as caught:
        catalog.find_vae(name, checkpoint)
    assert caught.value.field == "vae"
    return str(caught.value)


# Names


def test_the_demo_model():
    demo = Catalog.over([BUILT_IN_CHECKPOINTS]).find(DEMO)
    assert demo.problem is None
    assert demo.path == BUILT_IN_CHECKPOINTS / DEMO
    params = GenerationParams().completed(demo.defaults)
    assert (params.width, params.height, params.steps, params.cfg_scale) == (128, 128, 20, 4.0)
    assert "a 3d panda on a blue background" in demo.examples


@pytest.mark.parametrize(
    "name",
    [
        "anime/Moon.v2.safetensors",
        "ANIME/moon.V2.SafeTensors",
        "anime/Moon.v2",
        "Moon.v2.safetensors",
        "moon.v2",
        "anime/Moon.v2.safetensors [{hash}]",
        "Moon.v2 [{hash}]",
        "Moon.v2.safetensors [0123456789]",
        "{hash}",
        "{HASH}",
        "{sha256}",
    ],
)
def test_all_ways_to_name_a_file(tmp_path, name):
    file = write(tmp_path / "anime" / "Moon.v2.safetensors")
    write(tmp_path / "other.safetensors")
    catalog = Catalog.over([tmp_path])
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert catalog.short_hash(catalog.find("anime/Moon.v2.safetensors")) == sha256[:10]
    name = name.format(hash=sha256[:10], HASH=sha256[:10].upper(), sha256=sha256)
    assert catalog.find(name).name == "anime/Moon.v2.safetensors"


def test_of_two_files_of_a_name_the_hash_decides(tmp_path):
    write(tmp_path / "a" / "moon.safetensors")
    write(tmp_path / "b" / "moon.safetensors", {**SD1, "more": (1,)})
    catalog = Catalog.over([tmp_path])
    for name in ("a/moon.safetensors", "b/moon.safetensors"):
        digits = catalog.short_hash(catalog.find(name))
        assert catalog.find(f"moon.safetensors [{digits}]").name == name
        assert catalog.find(digits).name == name


def test_a_whole_name_comes_before_a_part_of_another(tmp_path):
    folder(tmp_path / "a" / "model")
    folder(tmp_path / "model")
    (folder(tmp_path / "0" / "only") / "model_index.json").write_text("{")
    folder(tmp_path / "z" / "only")
    catalog = Catalog.over([tmp_path])
    assert catalog.find("model").name == "model"
    assert catalog.find("MODEL").name == "model"
    assert catalog.find("a/model").name == "a/model"
    assert catalog.find("only").name == "z/only"


def test_short_digits_name_nothing(tmp_path):
    write(tmp_path / "moon.safetensors")
    catalog = Catalog.over([tmp_path])
    digits = catalog.short_hash(catalog.find("moon"))
    assert "There is no checkpoint" in refusal(catalog, digits[:4])


def test_an_unknown_name_says_what_there_is(tmp_path):
    write(tmp_path / "sun.safetensors")
    folder(tmp_path / "Moon")
    sentence = 'There is no checkpoint "mars". Found: Moon, sun.safetensors.'
    assert refusal(Catalog.over([tmp_path]), "mars") == sentence


def test_an_unknown_name_among_many_says_ten(tmp_path):
    for number in range(12):
        write(tmp_path / f"model {number:02}.ckpt")
    assert refusal(Catalog.over([tmp_path]), "mars").endswith("model 08.ckpt, model 09.ckpt and 2 more.")


def test_nothing_at_all(tmp_path):
    catalog = Catalog.over([tmp_path / "nowhere", tmp_path])
    assert (catalog.checkpoints(), catalog.default()) == ([], None)
    assert refusal(catalog, "") == f"There is no usable checkpoint in {tmp_path / 'nowhere'}."
    assert "model folders" in refusal(Catalog.over([]), "")


def test_an_unusable_one_says_why(tmp_path):
    (tmp_path / "moon.safetensors").write_bytes(b"")
    catalog = Catalog.over([tmp_path])
    assert refusal(catalog, "moon") == catalog.get("moon.safetensors").problem


def test_two_folders_with_the_same_name_inside_are_both_reached(tmp_path):
    write(tmp_path / "own" / "moon.safetensors")
    write(tmp_path / "theirs" / "moon.safetensors", {**SD1, "more": (1,)})
    folders = (ModelFolder(tmp_path / "own"), ModelFolder(tmp_path / "theirs", label="a1111"))
    for _ in range(2):
        catalog = over(*folders)
        assert [model.name for model in catalog.checkpoints()] == [
            "a1111/moon.safetensors",
            "moon.safetensors",
        ]
        assert catalog.find("moon.safetensors").path == tmp_path / "own" / "moon.safetensors"
        assert catalog.find("a1111/moon").path == tmp_path / "theirs" / "moon.safetensors"


def test_without_a_label_the_folders_name_tells_them_apart(tmp_path):
    for name in ("a", "x/b", "y/b"):
        folder(tmp_path / name / "moon")
    catalog = Catalog.over([tmp_path / "a", tmp_path / "x" / "b", tmp_path / "y" / "b"])
    assert [model.name for model in catalog.checkpoints()] == ["b 2/moon", "b/moon", "moon"]
    assert catalog.find("b 2/moon").path == tmp_path / "y" / "b" / "moon"


# The default


def test_ones_own_come_before_the_demo_model(tmp_path):
    catalog = over(ModelFolder(tmp_path), ModelFolder(BUILT_IN_CHECKPOINTS / DEMO, fallback=True))
    assert [model.name for model in catalog.checkpoints()] == [DEMO]
    assert catalog.find("").name == DEMO
    write(tmp_path / "zebra.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"")
    catalog.refresh()
    assert catalog.find("").name == "zebra.safetensors"


@pytest.mark.parametrize("where", ["models_dir", "ckpt_dir"])
def test_ones_own_come_first_wherever_they_are(tmp_path, where):
    place = tmp_path / "Stable-diffusion" if where == "models_dir" else tmp_path
    write(place / "zebra.safetensors")
    catalog = over(*model_folders(Config(**{where: tmp_path})))
    assert catalog.find("").name == "zebra.safetensors"
    assert catalog.find(DEMO).path == BUILT_IN_CHECKPOINTS / DEMO


def test_one_for_inpainting_is_begun_with_only_if_it_is_alone(tmp_path):
    write(tmp_path / "a.safetensors", {**SD1, "model.diffusion_model.input_blocks.0.0.weight": (8, 9, 3, 3)})
    catalog = Catalog.over([tmp_path])
    assert catalog.find("").identity.variant == "inpaint"
    write(tmp_path / "b.safetensors")
    catalog.refresh()
    assert catalog.find("").name == "b.safetensors"


# What lies where it doesn't belong


def test_a_lora_among_the_checkpoints(tmp_path):
    write(tmp_path / "style.safetensors", LORA)
    (model,) = Catalog.over([tmp_path]).checkpoints()
    assert (model.kind, model.identity.kind) == ("checkpoint", "lora")
    assert model.problem == '"style.safetensors" is a LoRA; it belongs into models/Lora.'


def test_a_checkpoint_among_the_loras(tmp_path):
    write(tmp_path / "moon.safetensors")
    folder(tmp_path / "sun")
    catalog = Catalog.over([tmp_path], "lora")
    assert catalog.checkpoints() == []
    assert [model.problem for model in catalog.files("lora")] == [
        '"moon.safetensors" is a checkpoint; it belongs into models/Stable-diffusion.',
        '"sun" is a checkpoint; it belongs into models/Stable-diffusion.',
    ]
    assert catalog.broken() == catalog.files("lora")


def test_a_unet_alone_is_no_checkpoint(tmp_path):
    only = {name: shape for name, shape in SD1.items() if name.startswith("model.")}
    write(tmp_path / "moon.safetensors", only)
    (model,) = Catalog.over([tmp_path]).broken()
    assert model.problem == (
        '"moon.safetensors" is a UNet or transformer without text encoder and VAE; '
        "it belongs into models/diffusion_models."
    )


FLUX_ALONE = {"double_blocks.0.img_attn.proj.weight": (8, 8), "img_in.weight": (8, 64)}
SD3_ALONE = {"joint_blocks.0.x_block.attn.proj.weight": (8, 8), "x_embedder.proj.weight": (8, 16, 2, 2)}


@pytest.mark.parametrize("place", ["Stable-diffusion", "diffusion_models"])
def test_a_transformer_alone_of_sd3_or_flux_is_a_checkpoint(tmp_path, place):
    write(tmp_path / place / "flux1-dev.safetensors", FLUX_ALONE)
    write(
        tmp_path / place / "sd3.safetensors", {f"model.diffusion_model.{k}": v for k, v in SD3_ALONE.items()}
    )
    catalog = over(*model_folders(Config(data_dir=tmp_path, models_dir=tmp_path)))
    for name, family in (("flux1-dev", "flux"), ("sd3", "sd3")):
        found = catalog.find(name)
        assert (found.kind, found.identity.family, found.problem) == ("checkpoint", family, None)
        assert (found.identity.has_vae, found.identity.has_text_encoder) == (False, False)
    assert catalog.broken() == []


def test_other_backbones_alone_stay_what_they_are(tmp_path):
    only = {name: shape for name, shape in SD1.items() if name.startswith("model.")}
    write(tmp_path / "diffusion_models" / "unet.safetensors", only)
    catalog = over(*model_folders(Config(data_dir=tmp_path, models_dir=tmp_path)))
    assert catalog.get("unet.safetensors", "diffusion-model").problem is None
    assert [model.name for model in catalog.checkpoints()] == [DEMO]


def test_a_file_that_two_folders_lead_to_is_there_once(tmp_path):
    own = write(tmp_path / "models" / "Stable-diffusion" / "flux.safetensors", FLUX_ALONE)
    linked = tmp_path / "comfy" / "models" / "unet" / "flux.safetensors"
    linked.parent.mkdir(parents=True)
    linked.symlink_to(own)
    config = Config(data_dir=tmp_path, models_dir=tmp_path / "models", comfy_home=tmp_path / "comfy")
    found = over(*model_folders(config)).checkpoints()
    assert [model.path for model in found if model.name != DEMO] == [own]


def test_one_begins_with_what_needs_nothing_beside_it(tmp_path):
    write(tmp_path / "a.safetensors", FLUX_ALONE)
    catalog = Catalog.over([tmp_path])
    assert catalog.find("").name == "a.safetensors"
    write(tmp_path / "b.safetensors")
    catalog.refresh()
    assert catalog.find("").name == "b.safetensors"


def test_each_kind_has_its_list(tmp_path):
    write(tmp_path / "models" / "Lora" / "a.safetensors", LORA)
    write(tmp_path / "models" / "VAE" / "b.pt", VAE)
    write(tmp_path / "embeddings" / "c.safetensors", {"emb_params": (2, 768)})
    write(
        tmp_path / "models" / "ControlNet" / "d.safetensors",
        {"control_model.input_hint_block.0.weight": (8,)},
    )
    write(tmp_path / "models" / "ControlNet" / "e.safetensors", {"adapter.body.0.conv.weight": (8,)})
    catalog = over(*model_folders(Config(data_dir=tmp_path, models_dir=tmp_path / "models")))
    kinds = {model.name: model.kind for model in catalog.files() if not model.name.startswith("darkroom-")}
    assert kinds == {
        "a.safetensors": "lora",
        "b.pt": "vae",
        "c.safetensors": "embedding",
        "d.safetensors": "controlnet",
        "e.safetensors": "t2i-adapter",
    }
    assert catalog.broken() == []
    assert catalog.get("a.safetensors", "lora").identity.dtype == "fp16"
    assert catalog.get("a.safetensors") is None


# VAEs


@pytest.fixture
def with_vaes(tmp_path):
    """Two checkpoints, of which one has a VAE beside it, and a folder of VAEs."""
    for name in ("moon", "sun", "star"):
        write(tmp_path / "ckpt" / f"{name}.safetensors")
    write(tmp_path / "ckpt" / "bare.safetensors", NO_VAE)
    write(tmp_path / "ckpt" / "moon.vae.pt", VAE)
    write(tmp_path / "vae" / "sun.safetensors", VAE)
    write(tmp_path / "vae" / "nice" / "clear.safetensors", VAE)
    write(tmp_path / "vae" / "moon.safetensors", VAE)
    (tmp_path / "vae" / "broken.safetensors").write_bytes(b"")
    return over(ModelFolder(tmp_path / "ckpt"), ModelFolder(tmp_path / "vae", ("vae",)))


def chosen(catalog, checkpoint, name="Automatic"):
    vae = catalog.find_vae(name, catalog.find(checkpoint))
    return vae.name if vae else None


def test_vaes_beside_checkpoints_are_vaes(with_vaes):
    assert [model.name for model in with_vaes.checkpoints()] == [
        "bare.safetensors",
        "moon.safetensors",
        "star.safetensors",
        "sun.safetensors",
    ]
    assert "moon.vae.pt" in [vae.name for vae in with_vaes.vaes()]


def test_automatic_takes_the_file_beside_it_or_of_its_name_or_none(with_vaes):
    assert chosen(with_vaes, "moon") == "moon.vae.pt"
    assert chosen(with_vaes, "sun") == "sun.safetensors"
    assert chosen(with_vaes, "star") is None


def test_none_is_its_own(with_vaes):
    assert chosen(with_vaes, "moon", "None") is None
    assert chosen(with_vaes, "moon", "none") is None
    assert chosen(with_vaes, "moon", "AUTOMATIC") == "moon.vae.pt"


@pytest.mark.parametrize("name", ["nice/clear.safetensors", "Clear", "clear.safetensors"])
def test_a_vae_by_name(with_vaes, name):
    assert chosen(with_vaes, "moon", name) == "nice/clear.safetensors"


def test_a_vae_that_is_not_there_or_broken(with_vaes):
    moon = with_vaes.find("moon")
    known = "broken.safetensors, moon.safetensors, moon.vae.pt, nice/clear.safetensors, sun.safetensors"
    assert vae_refusal(with_vaes, "foggy", moon) == f'There is no VAE "foggy" in models/VAE. Found: {known}.'
    assert "is empty (0 bytes)" in vae_refusal(with_vaes, "broken", moon)


def test_a_checkpoint_without_a_vae_asks_for_one(with_vaes):
    bare = with_vaes.find("bare")
    for name in ("Automatic", "None"):
        assert (
            vae_refusal(with_vaes, name, bare) == '"bare.safetensors" holds no VAE. Choose one under SD VAE.'
        )
    assert with_vaes.find_vae("clear", bare).name == "nice/clear.safetensors"


def test_what_was_set_for_a_checkpoint_comes_before_names(with_vaes):
    with_vaes.configure("moon.safetensors", ModelSettings({"vae": "clear"}))
    assert chosen(with_vaes, "moon") == "nice/clear.safetensors"
    assert chosen(with_vaes, "moon", "sun") == "sun.safetensors"
    with_vaes.configure("moon.safetensors", ModelSettings({"vae": "None"}))
    assert chosen(with_vaes, "moon") is None


# What a person sets


def test_settings_outlive_the_server(tmp_path):
    write(tmp_path / "models" / "moon.safetensors")
    own = ModelSettings({"steps": 33, "clip_skip": 2}, "v_prediction", True, "my favourite")

    def catalog():
        store = ModelSettingsStore(tmp_path / "models.json")
        return Catalog([ModelFolder(tmp_path / "models")], ModelIndex(), store)

    moon = catalog().configure("moon.safetensors", own)
    for known in (moon, catalog().get("moon.safetensors")):
        assert known.settings == own
        assert known.defaults == {"width": 512, "height": 512, "steps": 33, "clip_skip": 2}
        assert (known.prediction, known.zero_snr) == ("v_prediction", True)


def test_settings_that_are_taken_back(tmp_path):
    write(tmp_path / "moon.safetensors")
    catalog = Catalog.over([tmp_path])
    catalog.configure("moon.safetensors", ModelSettings({"steps": 33}))
    assert catalog.configure("moon.safetensors", ModelSettings()).defaults == {"width": 512, "height": 512}


def test_sd2_draws_larger_once_it_is_said_to_predict_v(tmp_path):
    folder(tmp_path / "moon", unet={"cross_attention_dim": 1024, "sample_size": None})
    catalog = Catalog.over([tmp_path])
    assert catalog.find("moon").defaults["width"] == 512
    assert catalog.configure("moon", ModelSettings(prediction="v_prediction")).defaults["width"] == 768


@pytest.mark.parametrize(
    ("defaults", "field"),
    [
        ({"steps": 0}, "steps"),
        ({"stepps": 3}, "stepps"),
        ({"width": 100}, "width"),
        ({"batch_size": 64, "width": 8192, "height": 8192}, "width"),
    ],
)
def test_settings_that_can_not_be(tmp_path, defaults, field):
    write(tmp_path / "moon.safetensors")
    catalog = Catalog.over([tmp_path])
    with pytest.raises(InvalidParamsError) as caught:
        catalog.configure("moon.safetensors", ModelSettings(defaults))
    assert caught.value.field == field
    assert catalog.find("moon").settings == ModelSettings()


def test_settings_for_a_model_that_is_not_there(tmp_path):
    with pytest.raises(InvalidParamsError, match='no checkpoint "mars"'):
        Catalog.over([tmp_path]).configure("mars", ModelSettings())


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"moon.safetensors": {"prediction": "x0"}}', b"\xff"])
def test_a_damaged_file_of_settings_is_as_none(tmp_path, caplog, content):
    (tmp_path / "models.json").write_bytes(content)
    store = ModelSettingsStore(tmp_path / "models.json")
    assert store.get("moon.safetensors") == ModelSettings()
    assert "models.json can't be used" in caplog.text
    store.put("moon.safetensors", ModelSettings(notes="new"))
    assert ModelSettingsStore(tmp_path / "models.json").get("moon.safetensors").notes == "new"


def test_settings_that_can_not_be_kept_are_not_in_force(tmp_path):
    (tmp_path / "file").write_text("")
    store = ModelSettingsStore(tmp_path / "file" / "models.json")
    with pytest.raises(FileExistsError):
        store.put("moon", ModelSettings(notes="new"))
    assert store.get("moon") == ModelSettings()


# Hashes


def test_the_hash_of_a_folder_is_its_unets(tmp_path):
    moon = folder(tmp_path / "moon")
    catalog = Catalog.over([tmp_path])
    expected = hashlib.sha256((moon / "unet" / WEIGHTS).read_bytes()).hexdigest()
    assert catalog.short_hash(catalog.find("moon")) == expected[:10]
    assert catalog.find("moon").sha256 == expected
    assert catalog.find("moon").short_hash == expected[:10]


def test_the_hash_follows_the_file(tmp_path):
    file = write(tmp_path / "moon.safetensors")
    catalog = Catalog.over([tmp_path])
    moon = catalog.find("moon")
    first = catalog.short_hash(moon)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)  # of the same size
    os.utime(file, ns=(1, file.stat().st_mtime_ns + 1_000_000))
    assert catalog.short_hash(moon) != first
    catalog.refresh()
    assert catalog.find("moon").short_hash == catalog.short_hash(moon)


def test_the_hash_of_an_unchanged_file_is_not_computed_again(tmp_path, monkeypatch):
    write(tmp_path / "moon.safetensors")
    catalog = Catalog.over([tmp_path])
    first = catalog.short_hash(catalog.find("moon"))
    monkeypatch.setattr("hashlib.sha256", None)
    assert catalog.short_hash(catalog.find("moon")) == first


def test_the_hash_of_a_file_that_has_gone(tmp_path):
    file = write(tmp_path / "moon.safetensors")
    catalog = Catalog.over([tmp_path])
    moon = catalog.find("moon")
    file.unlink()
    with pytest.raises(FileNotFoundError):
        catalog.short_hash(moon)


def test_ones_own_checkpoints_come_before_those_of_other_programs(tmp_path):
    own, other = tmp_path / "own", tmp_path / "another program"
    write(own / "zebra.safetensors")
    write(other / "ape.safetensors")
    assert Catalog.over([own, other]).default().path == own / "zebra.safetensors"
    assert Catalog.over([other, own]).default().path == other / "ape.safetensors"
