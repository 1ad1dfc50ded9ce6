"""Which folders are searched: one's own, those of other installations, those that ComfyUI's YAML names."""

import pytest

from webui.catalog.folders import FolderError, belongs_into, model_folders, read_extra_model_paths
from webui.config import BUILT_IN, DEMO, Config


def folders(tmp_path, **fields):
    config = Config(data_dir=tmp_path / "own", models_dir=tmp_path / "own" / "models", **fields)
    return {folder.path: folder for folder in model_folders(config)}


def yaml(tmp_path, text):
    file = tmp_path / "config" / "extra_model_paths.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def refusal(call, *arguments):
    with pytest.raises(FolderError) as caught:
        call(*arguments)
    return str(caught.value)


def test_ones_own(tmp_path):
    found = folders(tmp_path)
    models = tmp_path / "own" / "models"
    assert found[models / "Stable-diffusion"].kinds == ("checkpoint",)
    assert found[models / "Lora"].kinds == ("lora",)
    assert found[models / "VAE"].kinds == ("vae",)
    assert found[tmp_path / "own" / "embeddings"].kinds == ("embedding",)
    assert found[models / "clip_vision"].kinds == ("clip-vision",)
    assert found[models / "annotators"].kinds[0] == "annotator"
    built_in = [BUILT_IN / name / DEMO for name in ("Stable-diffusion", "Lora", "ControlNet")]
    assert list(found)[-3:] == built_in
    assert [path for path, folder in found.items() if folder.fallback] == built_in


def test_more_folders(tmp_path):
    for name in ("ckpt", "vae"):
        (tmp_path / name).mkdir()
    found = folders(tmp_path, ckpt_dir=tmp_path / "ckpt", vae_dir=tmp_path / "vae")
    assert found[tmp_path / "ckpt"].kinds == ("checkpoint",)
    assert found[tmp_path / "vae"].kinds == ("vae",)


def test_another_installations(tmp_path):
    for name in ("a1111", "comfy"):
        (tmp_path / name / "models").mkdir(parents=True)
    found = folders(tmp_path, a1111_home=tmp_path / "a1111", comfy_home=tmp_path / "comfy")
    a1111, comfy = tmp_path / "a1111", tmp_path / "comfy" / "models"
    assert found[a1111 / "models" / "Stable-diffusion"].label == "a1111"
    assert found[a1111 / "embeddings"].kinds == ("embedding",)
    assert found[comfy / "checkpoints"].kinds == ("checkpoint",)
    assert found[comfy / "loras"].label == "comfyui"
    alone = ("diffusion-model", "checkpoint")
    assert found[comfy / "unet"].kinds == found[comfy / "diffusion_models"].kinds == alone
    assert found[comfy / "clip"].kinds == found[comfy / "text_encoders"].kinds == ("text-encoder",)
    assert "controlnet" in found[comfy / "controlnet"].kinds
    assert found[comfy / "clip_vision"].kinds == ("clip-vision",)
    extension = a1111 / "extensions" / "sd-webui-controlnet" / "annotator" / "downloads"
    assert found[extension].kinds[0] == "annotator"


@pytest.mark.parametrize(
    ("field", "flag", "missing"),
    [
        ("ckpt_dir", "--ckpt-dir", ""),
        ("vae_dir", "--vae-dir", ""),
        ("a1111_home", "--a1111-home", "models"),
        ("comfy_home", "--comfy-home", "models"),
    ],
)
def test_a_folder_that_is_not_there(tmp_path, field, flag, missing):
    where = tmp_path / "nowhere"
    config = Config(**{field: where})
    assert refusal(model_folders, config) == f"{flag}: there is no folder {where / missing}"


# extra_model_paths.yaml

EXAMPLE = """
#Rename this to extra_model_paths.yaml and ComfyUI will load it
a111:
    base_path: {base}/stable-diffusion-webui/

    checkpoints: models/Stable-diffusion
    vae: models/VAE
    loras: |
         models/Lora
         models/LyCORIS
    upscale_models: |
                  models/ESRGAN
                  models/RealESRGAN
    embeddings: embeddings
    controlnet: models/ControlNet
    configs: models/Stable-diffusion

mine:
    is_default: true
    checkpoints: {base}/best
    custom_nodes: nodes
"""


def test_comfyuis_own_example(tmp_path):
    found = read_extra_model_paths(yaml(tmp_path, EXAMPLE.format(base=tmp_path)))
    home = tmp_path / "stable-diffusion-webui"
    assert found[0].path == tmp_path / "best"  # is_default
    assert [folder.label for folder in found] == ["mine", *["a111"] * 8]
    assert [folder.path for folder in found if folder.kinds == ("lora",)] == [
        home / "models/Lora",
        home / "models/LyCORIS",
    ]
    assert [folder.path for folder in found if folder.kinds == ("upscaler",)] == [
        home / "models/ESRGAN",
        home / "models/RealESRGAN",
    ]
    assert home / "embeddings" in [folder.path for folder in found]


def test_relative_paths_begin_at_the_files_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    text = "a:\n  base_path: ../models\n  vae: v\nb:\n  vae: ~/vaes\n"
    found = [folder.path.resolve() for folder in read_extra_model_paths(yaml(tmp_path, text))]
    assert found == [(tmp_path / "models" / "v").resolve(), (tmp_path / "home" / "vaes").resolve()]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "a:\n", "a: {}\n", "a:\n  base_path: x\n"])
def test_a_file_that_names_nothing(tmp_path, text):
    assert read_extra_model_paths(yaml(tmp_path, text)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "can't be read: while parsing"),
        ("- a\n- b\n", "holds no sections"),
        ("a: models\n", 'the section "a" holds no folders'),
        ("a: !!python/object/apply:os.getcwd []\n", "can't be read"),
        ("a: \x00", "can't be read"),
    ],
)
def test_a_file_that_is_wrong(tmp_path, text, words):
    file = yaml(tmp_path, text)
    sentence = refusal(read_extra_model_paths, file)
    assert sentence.startswith(f"--extra-model-paths: {file}")
    assert words in sentence
    assert "\n" not in sentence


def test_a_file_that_is_not_there(tmp_path):
    sentence = refusal(read_extra_model_paths, tmp_path / "no.yaml")
    assert sentence == f"--extra-model-paths: {tmp_path / 'no.yaml'} can't be read: No such file or directory"


def test_where_things_belong():
    assert belongs_into("lora") == "Lora"
    assert belongs_into("checkpoint") == "Stable-diffusion"
    assert belongs_into("diffusion-model") == "diffusion_models"
    assert belongs_into("t2i-adapter") == "ControlNet"
    assert belongs_into("tokenizer") == "tokenizers/t5"
    assert belongs_into("other") is None
