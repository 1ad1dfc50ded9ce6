"""SD 3 and Flux from single files."""

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_flux_transformer_checkpoint_to_diffusers
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from transformers import CLIPTextModel

from tests.engine.general import originals, tiny
from tests.engine.general.conftest import IDENTITY, Recorder
from tests.engine.general.tiny_text import t5_tokenizer as tiny_t5_tokenizer
from tests.engine.general.tiny_vaes import vae
from webui.catalog.curated import read_curated
from webui.catalog.downloads.sources import HubSource, parse
from webui.catalog.entry import Identity, ModelFile
from webui.engine.general import encoders as encoders_module
from webui.engine.general import flux_names, loading, shapes
from webui.engine.general.beside import Beside
from webui.engine.general.networks import fill
from webui.engine.general.sources import read_shapes
from webui.engine.general.studio import GeneralStudio
from webui.engine.general.tokenizers import clip_tokenizer, t5_tokenizer
from webui.engine.protocol import EngineError, Order
from webui.params import GenerationParams

TRANSFORMER = "model.diffusion_model."
ENCODER = "text_encoders.{}.transformer."


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return {"narrow": originals.clip(32), "wide": originals.clip(64), "t5": originals.t5(), "vae": vae()}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("t5")
    tiny_t5_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def whole(networks, tmp_path_factory):
    """SD 3 with everything in one file, as Stability's "incl_clips_t5xxl"."""
    path = originals.save(
        tmp_path_factory.mktemp("sd3") / "sd3_incl_all.safetensors",
        **{
            TRANSFORMER: originals.filled(originals.sd3_transformer()),
            "first_stage_model.": originals.vae(networks["vae"]),
            ENCODER.format("clip_l"): networks["narrow"].state_dict(),
            ENCODER.format("clip_g"): networks["wide"].state_dict(),
            ENCODER.format("t5xxl"): networks["t5"].state_dict(),
        },
    )
    return ModelFile("sd3_incl_all.safetensors", path, identity=Identity("checkpoint", "sd3"))


@pytest.fixture(scope="module")
def encoders(networks, tmp_path_factory):
    """clip_l, clip_g and t5xxl as ComfyUI keeps them in models/text_encoder, and one that fits nothing."""
    folder = tmp_path_factory.mktemp("text_encoder")
    without = {
        k: v for k, v in networks["narrow"].state_dict().items() if not k.startswith("text_projection")
    }
    files = {
        "another": originals.clip(128).state_dict(),
        "clip_l": without,
        "clip_g": networks["wide"].state_dict(),
        "t5xxl_fp16": networks["t5"].half().state_dict(),
    }
    networks["t5"].float()
    return tuple(
        ModelFile(name, originals.save(folder / f"{name}.safetensors", **{"": weights}), "text-encoder")
        for name, weights in files.items()
    )


def load(file, beside, dtype=torch.float32):
    modules = {name: make(dtype) for name, make in loading.parts(file, beside).items()}
    return modules, loading.build(file, modules, beside)


def draw(pipeline, file, **fields):
    recorder = Recorder()
    params = GenerationParams(**{"prompt": "a cat", "width": 64, "height": 64, "steps": 2} | fields)
    GeneralStudio(pipeline, lambda: IDENTITY).draw(Order(params, file, 7), recorder)
    return recorder


def test_sd3_draws_from_one_file(whole, tokenizer):
    _, pipeline = load(whole, Beside(t5_tokenizer=tokenizer))
    recorder = draw(pipeline, whole)
    assert recorder.pictures[0].image.size == (64, 64)
    assert recorder.notices == []
    assert draw(pipeline, whole, prompt="a dog").bytes != recorder.bytes
    assert "Sampler: Euler, " in recorder.pictures[0].infotext


@torch.no_grad()
def test_networks_in_a_file_compute_what_they_did(whole, networks, tokenizer):
    modules, _ = load(whole, Beside(t5_tokenizer=tokenizer))
    ids = torch.tensor([[49406, 320, 2368, 49407]])
    for name, original in (("text_encoder", "narrow"), ("text_encoder_2", "wide")):
        torch.testing.assert_close(modules[name](ids).text_embeds, networks[original].eval()(ids).text_embeds)
    words = torch.tensor([[4, 5, 6, 1]])
    ours, theirs = modules["text_encoder_3"](words)[0], networks["t5"].eval()(words)[0]
    torch.testing.assert_close(ours, theirs)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(modules["vae"].decode(latents).sample, networks["vae"].decode(latents).sample)
    qkv = originals.filled(originals.sd3_transformer())["joint_blocks.1.x_block.attn.qkv.weight"]
    assert torch.equal(modules["transformer"].transformer_blocks[1].attn.to_k.weight, qkv[64:128])


def test_sd3_goes_without_t5_and_says_so(networks, encoders, tmp_path):
    path = originals.save(
        tmp_path / "sd3.safetensors",
        **{
            TRANSFORMER: originals.filled(originals.sd3_transformer()),
            "first_stage_model.": originals.vae(networks["vae"]),
        },
    )
    file = ModelFile("sd3", path, identity=Identity("checkpoint", "sd3"))
    clips = tuple(each for each in encoders if not each.name.startswith("t5"))
    modules, pipeline = load(file, Beside(clips))
    assert set(modules) == {"transformer", "vae", "text_encoder", "text_encoder_2"}
    recorder = draw(pipeline, file)
    assert len(recorder.pictures) == 1
    assert "without the T5 text encoder: there is none that can be read (in scaled fp8" in recorder.notices[0]


@pytest.fixture
def bare_sd3(tmp_path):
    """SD 3's transformer alone."""
    path = originals.save(
        tmp_path / "bare.safetensors", **{"": originals.filled(originals.sd3_transformer())}
    )
    return ModelFile("bare", path, identity=Identity("checkpoint", "sd3"))


def test_what_lies_beside_serves_where_it_fits(bare_sd3, networks, encoders, tokenizer, tmp_path):
    vae = ModelFile(
        "vae", originals.save(tmp_path / "vae.safetensors", **{"": originals.vae(networks["vae"])})
    )
    modules, pipeline = load(bare_sd3, Beside(encoders, vae, tokenizer))
    assert modules["text_encoder"].config.hidden_size == 32
    assert modules["text_encoder_2"].config.hidden_size == 64
    # ComfyUI's clip_l.safetensors has no projection.
    assert torch.equal(modules["text_encoder"].text_projection.weight, torch.eye(32))
    assert draw(pipeline, bare_sd3).notices == []


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_come_in_the_wished_format(whole, tokenizer, dtype):
    modules, _ = load(whole, Beside(t5_tokenizer=tokenizer), dtype)
    for name, module in modules.items():
        formats = {weight.dtype for weight in module.parameters()}
        # T5 overflows in fp16 unless one of its layers stays in fp32.
        exact = {torch.float32} if name == "text_encoder_3" and dtype == torch.float16 else set()
        assert formats == {dtype} | exact


# Flux


@pytest.mark.parametrize(
    ("guidance", "double", "single"),
    [(True, 19, 38), (False, 19, 38), (True, 8, 38)],
    ids=["dev", "schnell", "lite"],
)
def test_flux_in_its_real_size_finds_a_place_for_every_weight(guidance, double, single):
    """On torch's meta device, where tensors have shapes and no memory."""
    names = originals.flux_transformer(guidance=guidance, double=double, single=single)
    weights = {name: torch.empty(shape, device="meta") for name, shape in names.items()}
    converted = flux_names.to_diffusers(weights)
    config = shapes.flux({name: tuple(weight.shape) for name, weight in converted.items()})
    assert config == {
        "patch_size": 1,
        "in_channels": 64,
        "num_layers": double,
        "num_single_layers": single,
        "attention_head_dim": 128,
        "num_attention_heads": 24,
        "joint_attention_dim": 4096,
        "pooled_projection_dim": 768,
        "guidance_embeds": guidance,
        "axes_dims_rope": (16, 56, 56),
    }
    network = fill(
        ModelFile("flux", None), lambda: FluxTransformer2DModel(**config), converted, torch.bfloat16
    )
    assert set(converted) == set(network.state_dict())
    assert sum(weight.numel() for weight in network.parameters()) > 11.8e9 * double / 19


@pytest.mark.parametrize("guidance", [True, False], ids=["dev", "schnell"])
def test_flux_is_cut_and_renamed_as_diffusers_does_it(guidance):
    """In its real size but for the columns, which neither cuts: each row has numbers of its own."""
    rows = {name: shape[:1] + (1,) * len(shape[1:]) for name, shape in originals.flux_transformer().items()}
    weights = {
        name: weight for name, weight in originals.filled(rows).items() if guidance or "guid" not in name
    }
    ours = flux_names.to_diffusers(weights)
    theirs = convert_flux_transformer_checkpoint_to_diffusers({**weights})
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize(("guidance", "shifts"), [(True, True), (False, False)])
def test_flux_draws_with_the_schedule_it_was_trained_for(tokenizer, guidance, shifts):
    torch.manual_seed(0)
    parts = tiny.flux(guidance).components
    names = ("transformer", "vae", "text_encoder_2")
    modules = {name: parts[name].eval() for name in names}
    modules["text_encoder"] = CLIPTextModel(originals.clip(32).config).eval()
    file = ModelFile("flux", None, identity=Identity("checkpoint", "flux"))
    pipeline = loading.build(file, modules, Beside(t5_tokenizer=tokenizer))
    assert pipeline.scheduler.config.use_dynamic_shifting is shifts
    assert draw(pipeline, file).pictures[0].image.size == (64, 64)


@pytest.fixture
def bare_flux(tmp_path):
    """A Flux transformer's header, without most of its weights: enough to tell what it needs."""
    names = {"double_blocks.0.img_attn.qkv", "txt_in", "vector_in.in_layer"}
    small = originals.flux_transformer(width=64, double=1, single=1, joint=128, pooled=32)
    kept = {name: shape for name, shape in small.items() if name.rpartition(".")[0] in names}
    path = originals.save(tmp_path / "flux.safetensors", **{"": originals.filled(kept)})
    return ModelFile("flux.safetensors", path, identity=Identity("checkpoint", "flux"))


@torch.no_grad()
def test_flux_takes_the_encoders_that_fit(bare_flux, encoders, networks, tmp_path):
    vae = ModelFile("ae", originals.save(tmp_path / "ae.safetensors", **{"": originals.vae(networks["vae"])}))
    makers = loading.parts(bare_flux, Beside(encoders, vae))
    assert set(makers) == {"transformer", "vae", "text_encoder", "text_encoder_2"}
    assert makers["vae"](torch.float32).config.scaling_factor == 0.3611
    clip, ids = makers["text_encoder"](torch.float32), torch.tensor([[49406, 320, 49407]])
    wanted = networks["narrow"].eval()(ids).last_hidden_state
    torch.testing.assert_close(clip(ids).last_hidden_state, wanted)
    assert makers["text_encoder_2"](torch.float32).config.d_model == 128
    with pytest.raises(EngineError, match=r'^"flux.safetensors" lacks weights, x_embedder.weight for one'):
        makers["transformer"](torch.float32)


def test_what_is_missing_is_named_with_its_place(bare_flux, encoders):
    clip_l, t5 = (next(each for each in encoders if each.name.startswith(name)) for name in ("clip_l", "t5"))
    with pytest.raises(EngineError) as refused:
        loading.parts(bare_flux)
    assert str(refused.value) == (
        '"flux.safetensors" needs the text encoders CLIP-L and T5-XXL. Put clip_l.safetensors and '
        't5xxl_fp16.safetensors into models/text_encoder, or download "CLIP-L text encoder" and '
        '"T5-XXL text encoder" in the Models tab under "Get models".'
    )
    with pytest.raises(
        EngineError, match=r"encoder T5-XXL\. Put t5xxl_fp16.safetensors into models/text_enc"
    ):
        loading.parts(bare_flux, Beside((clip_l,)))
    with pytest.raises(
        EngineError, match=r"encoder CLIP-L\. Put clip_l.safetensors into models/text_encoder"
    ):
        loading.parts(bare_flux, Beside((t5,)))
    with pytest.raises(
        EngineError, match=r'^"flux.safetensors" holds no VAE\. Put Flux\'s VAE \(ae.safetensors'
    ):
        loading.parts(bare_flux, Beside(encoders))


@pytest.mark.parametrize(
    ("there", "missing"),
    [((), "encoders CLIP-L and CLIP-G"), (("clip_l",), "encoder CLIP-G"), (("clip_g",), "encoder CLIP-L")],
)
def test_the_clip_that_sd3_lacks_is_named(bare_sd3, encoders, there, missing):
    beside = Beside(tuple(each for each in encoders if each.name in there))
    with pytest.raises(EngineError, match=rf"needs the text {missing}\. Put clip_\w\.safetensors"):
        loading.parts(bare_sd3, beside)


def test_what_is_offered_under_get_models_is_there():
    curated = {f'"{one.name}"' for one in read_curated() if one.kind == "text-encoder"}
    for _, offered in encoders_module.FILES.values():
        assert offered in curated or isinstance(
            parse(offered.split(" ")[0], "https://huggingface.co"), HubSource
        )


def test_a_pickled_text_encoder_beside_is_passed_over(bare_sd3, encoders, networks, tmp_path):
    torch.save(networks["narrow"].state_dict(), tmp_path / "clip.pt")
    pickled = ModelFile("clip.pt", tmp_path / "clip.pt", "text-encoder")
    vae = ModelFile(
        "vae", originals.save(tmp_path / "vae.safetensors", **{"": originals.vae(networks["vae"])})
    )
    assert "text_encoder" in loading.parts(bare_sd3, Beside((pickled, *encoders), vae))


@torch.no_grad()
def test_a_t5_in_scaled_fp8_is_passed_over(bare_flux, encoders, networks, tmp_path):
    weights = {name: 2 * weight for name, weight in networks["t5"].state_dict().items()}
    scales = {name.replace(".weight", ".scale_weight"): torch.ones(()) for name in weights if ".q." in name}
    path = originals.save(tmp_path / "t5xxl_scaled.safetensors", **{"": weights | scales})
    scaled = ModelFile(path.name, path, "text-encoder")
    vae = ModelFile("ae", originals.save(tmp_path / "ae.safetensors", **{"": originals.vae(networks["vae"])}))
    told = (
        r"T5-XXL\. The T5 in t5xxl_scaled.safetensors is in scaled fp8, which can't be read yet\. Put t5xxl_f"
    )
    with pytest.raises(EngineError, match=told):
        loading.parts(bare_flux, Beside((scaled, *encoders[:3]), vae))
    t5 = loading.parts(bare_flux, Beside((scaled, *encoders), vae))["text_encoder_2"](torch.float32)
    words = torch.tensor([[4, 5, 6, 1]])
    torch.testing.assert_close(t5(words)[0], networks["t5"].eval()(words)[0], atol=0.01, rtol=0.01)


def test_a_file_of_another_family_is_refused(whole):
    other = ModelFile("sd3.safetensors", whole.path, identity=Identity("checkpoint", "flux"))
    with pytest.raises(EngineError, match="holds no weights of a Flux model"):
        loading.parts(other)


def test_a_damaged_file_is_a_sentence(tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"no header")
    with pytest.raises(EngineError, match=r"broken\.safetensors can't be read"):
        read_shapes(path)


# Tokenizers


def test_clips_tokenizer_is_the_published_one():
    tokenizer = clip_tokenizer("!")
    told = tokenizer("a photo of a cat", padding="max_length", max_length=10).input_ids
    assert told == [49406, 320, 1125, 539, 320, 2368, 49407, 0, 0, 0]
    assert clip_tokenizer("<|endoftext|>")("a", padding="max_length", max_length=4).input_ids[-1] == 49407


@pytest.mark.parametrize(
    ("named", "reason"),
    [(None, "which isn't there yet"), ("nowhere", '"T5 tokenizer folder", doesn\'t hold it.*or none')],
)
def test_without_t5s_tokenizer_the_way_out_is_told(tmp_path, named, reason):
    way_out = (
        r'Download "T5 tokenizer" in the Models tab.* put T5\'s tokenizer\.json into models/tokenizers/t5'
    )
    with pytest.raises(EngineError, match=f"{reason}.*{way_out}"):
        t5_tokenizer(tmp_path / named if named else None, 77)


def test_a_damaged_tokenizer_is_a_sentence(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(
        EngineError, match=r"^T5's tokenizer in .* can't be used \(.*Download \"T5 tokenizer\""
    ):
        t5_tokenizer(tmp_path, 77)


def test_t5s_tokenizer_comes_from_the_named_folder(tokenizer):
    assert t5_tokenizer(tokenizer, 20)("cab", padding="max_length").input_ids[:5] != [2] * 5
    assert t5_tokenizer(tokenizer, 20).model_max_length == 20
