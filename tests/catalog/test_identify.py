"""What files are: tiny checkpoints in real layouts, and the names that real files of each kind have."""

import pytest
import torch

from tests import tiny
from tests.catalog.samples import SD1, write
from webui.catalog.headers import Header, TensorInfo
from webui.catalog.identify import identify, recognise

UNET = "model.diffusion_model."


def told(tmp_path, shapes, metadata=None):
    return identify(write(tmp_path / "a.safetensors", shapes, metadata))


# Checkpoints


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Writes a tiny checkpoint once."""
    folder = tmp_path_factory.mktemp("tiny")
    done = {}

    def make(writer, ending="safetensors", **options):
        key = (writer.__name__, ending, *options.items())
        if key not in done:
            done[key] = folder / f"{len(done)}.{ending}"
            writer(done[key], **options)
        return identify(done[key])

    return make


@pytest.mark.parametrize("ending", ["safetensors", "ckpt"])
@pytest.mark.parametrize(
    ("writer", "family"),
    [
        (tiny.write_sd1, "sd1"),
        (tiny.write_sd2, "sd2"),
        (tiny.write_sdxl, "sdxl"),
        (tiny.write_sdxl_refiner, "sdxl-refiner"),
    ],
)
def test_checkpoints_in_one_file(made, writer, family, ending):
    found = made(writer, ending)
    assert (found.kind, found.family, found.variant, found.layout) == ("checkpoint", family, "", "original")
    assert (found.dtype, found.has_vae, found.has_text_encoder) == ("fp32", True, True)
    assert (found.prediction, found.zero_snr, found.problem) == (None, None, None)


@pytest.mark.parametrize("writer", [tiny.write_sd1, tiny.write_sd2, tiny.write_sdxl])
@pytest.mark.parametrize("variant", ["inpaint", "pix2pix"])
def test_variants_by_their_input_channels(made, writer, variant):
    assert made(writer, variant=variant).variant == variant


def test_a_copy_of_averaged_weights_confuses_nothing(made):
    found = made(tiny.write_sd1, ema=True, dtype=torch.float16)
    assert (found.kind, found.family, found.dtype) == ("checkpoint", "sd1", "fp16")


def test_missing_parts_are_noticed(made):
    found = made(tiny.write_sd1, without=("first_stage_model.",))
    assert (found.kind, found.has_vae, found.has_text_encoder) == ("checkpoint", False, True)


def test_marker_tensors_tell_the_prediction(made):
    found = made(tiny.write_sdxl, markers=("v_pred", "ztsnr"))
    assert (found.prediction, found.zero_snr) == ("v_prediction", True)


@pytest.mark.parametrize(
    ("metadata", "prediction", "zero_snr"),
    [
        ({"modelspec.prediction_type": "v"}, "v_prediction", None),
        ({"modelspec.prediction_type": "epsilon"}, "epsilon", None),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v"}, "v_prediction", None),
        ({"ss_v_parameterization": "True", "ss_zero_terminal_snr": "True"}, "v_prediction", True),
        ({"modelspec.architecture": "stable-diffusion-v1"}, None, None),
    ],
)
def test_metadata_tells_the_prediction(tmp_path, metadata, prediction, zero_snr):
    found = told(tmp_path, SD1, metadata)
    assert (found.prediction, found.zero_snr) == (prediction, zero_snr)


@pytest.mark.parametrize("mark", ["edm_mean", "edm_vpred.sigma_max"])
def test_the_edm_formulation_is_refused(tmp_path, mark):
    assert "EDM" in told(tmp_path, {**SD1, mark: (4,)}).problem


@pytest.mark.parametrize(("channels", "words"), [(5, "5 input channels"), (7, "7 input channels")])
def test_inputs_that_nothing_gives(tmp_path, channels, words):
    found = told(tmp_path, {**SD1, f"{UNET}input_blocks.0.0.weight": (8, channels, 3, 3)})
    assert (found.kind, found.family) == ("checkpoint", "sd1")
    assert words in found.problem


XL_UNET = {
    "input_blocks.0.0.weight": (8, 4, 3, 3),
    "output_blocks.0.0.in_layers.0.weight": (8,),
    "label_emb.0.0.weight": (8, 8),
    "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (8, 2048),
}
FLUX = {"img_in.weight": (8, 64), "double_blocks.0.img_attn.norm.key_norm.scale": (8,)}
SD3 = {"joint_blocks.0.context_block.adaLN_modulation.1.bias": (8,), "x_embedder.proj.weight": (8, 16, 2, 2)}
UNKNOWN_TRANSFORMER = "is a transformer of a family that Darkroom doesn't know."
T5 = {"text_encoders.t5xxl.transformer.shared.weight": (9, 8)}
VAE_INSIDE = {"vae.decoder.conv_in.weight": (8, 16, 3, 3)}


def prefixed(shapes, prefix=UNET):
    return {prefix + name: shape for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("shapes", "kind", "family"),
    [
        (XL_UNET, "diffusion-model", "sdxl"),
        (prefixed(XL_UNET), "diffusion-model", "sdxl"),
        (FLUX, "checkpoint", "flux"),
        (prefixed(FLUX), "checkpoint", "flux"),
        (prefixed(FLUX, "diffusion_model."), "checkpoint", "flux"),
        ({**prefixed(FLUX), **T5, **VAE_INSIDE}, "checkpoint", "flux"),
        (SD3, "checkpoint", "sd3"),
        (prefixed(SD3), "checkpoint", "sd3"),
        ({**prefixed(SD3), "first_stage_model.decoder.conv_in.weight": (8, 16, 3, 3)}, "checkpoint", "sd3"),
        ({**prefixed(SD3), **T5, **VAE_INSIDE}, "checkpoint", "sd3"),
        (
            {
                "conv_in.weight": (8, 4, 3, 3),
                "time_embedding.linear_1.weight": (8, 8),
                "down_blocks.0.resnets.0.conv1.weight": (8, 8, 3, 3),
                "down_blocks.1.attentions.0.proj_in.weight": (8, 8, 1, 1),
            },
            "diffusion-model",
            "sd1",
        ),
        (
            {
                "conv_in.weight": (8, 9, 3, 3),
                "time_embedding.linear_1.weight": (8, 8),
                "add_embedding.linear_1.weight": (8, 8),
                "down_blocks.0.resnets.0.conv1.weight": (8, 8, 3, 3),
                "down_blocks.1.attentions.0.proj_in.weight": (8, 8),
            },
            "diffusion-model",
            "sdxl",
        ),
        (
            {
                "x_embedder.weight": (8, 64),
                "transformer_blocks.0.attn.norm_k.weight": (8,),
                "single_transformer_blocks.0.attn.to_q.weight": (8, 8),
                "time_text_embed.text_embedder.linear_1.weight": (8, 8),
            },
            "checkpoint",
            "flux",
        ),
        (
            {
                "pos_embed.proj.weight": (8, 16, 2, 2),
                "transformer_blocks.0.attn.add_k_proj.weight": (8, 8),
                "time_text_embed.text_embedder.linear_1.weight": (8, 8),
            },
            "checkpoint",
            "sd3",
        ),
    ],
)
def test_other_backbones_whole_and_alone(tmp_path, shapes, kind, family):
    found = told(tmp_path, shapes)
    assert (found.kind, found.family, found.problem) == (kind, family, None)


def test_an_all_in_one_file_knows_its_parts(tmp_path):
    whole = told(tmp_path, {**prefixed(FLUX), **T5, **VAE_INSIDE})
    assert (whole.has_vae, whole.has_text_encoder) == (True, True)
    alone = told(tmp_path, FLUX)
    assert (alone.has_vae, alone.has_text_encoder) == (False, False)


@pytest.mark.parametrize(("channels", "words"), [(384, "a Flux Fill model"), (128, "a Flux Depth or Canny")])
def test_fluxes_that_want_a_picture_are_refused(tmp_path, channels, words):
    found = told(tmp_path, {**FLUX, "img_in.weight": (8, channels)})
    assert (found.kind, found.family, words in found.problem) == ("checkpoint", "flux", True)


@pytest.mark.parametrize(
    ("ending", "packing"),
    [("scale_weight", "scaled fp8"), ("weight.absmax", "bitsandbytes"), ("qweight", "Nunchaku's 4 bits")],
)
def test_packed_weights_are_refused(tmp_path, ending, packing):
    for alone, prefix in ((FLUX, ""), (SD3, UNET)):
        packed = prefixed({**alone, f"double_blocks.0.img_attn.proj.{ending}": (1,)}, prefix)
        assert told(tmp_path, packed).problem.startswith(f"is in {packing}")


def test_a_packed_text_encoder_is_no_fault_of_the_transformer(tmp_path):
    scale = {"text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q.scale_weight": (1,)}
    assert told(tmp_path, {**prefixed(SD3), **T5, **scale}).problem is None


def test_the_refiners_unet_alone(tmp_path):
    narrow = {**XL_UNET, "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (8, 1280)}
    assert told(tmp_path, narrow).family == "sdxl-refiner"


def test_flux_fill_takes_a_mask(tmp_path):
    assert told(tmp_path, {**FLUX, "img_in.weight": (8, 384)}).variant == "inpaint"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("single_stream_modulation.lin.weight", "Flux 2"),
        ("distilled_guidance_layer.in_proj.bias", "Chroma"),
        ("cap_embedder.0.weight", "Lumina"),
        ("head.modulation", "Wan"),
        ("txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias", "HunyuanVideo"),
        ("patchify_proj.weight", "makes no films"),
        ("blocks.0.cross_attn.q_linear.weight", "Sana"),
    ],
)
@pytest.mark.parametrize("prefix", ["", UNET])
def test_families_that_are_known_by_name_only(tmp_path, name, words, prefix):
    found = told(tmp_path, {**prefixed(FLUX, prefix), prefix + name: (8,)})
    assert found.family == "other"
    assert words in found.problem


# Everything else


@pytest.mark.parametrize(
    ("names", "family"),
    [
        (["lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"], ""),
        (["lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"], ""),
        (["lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"], "sdxl"),
        (["lora_unet_double_blocks_0_img_attn_proj.lora_down.weight"], "flux"),
        (["transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight"], "flux"),
        (["transformer.transformer_blocks.0.attn.add_k_proj.lora_A.weight"], "sd3"),
        (["unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight"], ""),
        (["unet.down_blocks.0.attentions.0.proj_in.lora.down.weight"], ""),
        (["down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight"], ""),
        (["base_model.model.down_blocks.0.to_q.lora_B.weight"], ""),
        (["lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_k.lora_down.weight"], "sdxl"),
        (["unet.down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_q.lora_A.weight"], "sdxl"),
        (["lycoris_down_blocks_0_resnets_0_conv1.diff"], ""),
        (["lora_unet_mid_block.hada_w1_a"], ""),
        (["lora_unet_mid_block.lokr_w1", "lora_unet_mid_block.lokr_w2"], ""),
        (["lycoris_mid_block.oft_blocks"], ""),
        (["lora_unet_mid_block.on_input", "lora_unet_mid_block.weight"], ""),
        (["unet.mid_block.to_q.lora_A.weight", "unet.mid_block.to_q.dora_scale"], ""),
    ],
)
def test_loras_of_every_make(tmp_path, names, family):
    found = told(tmp_path, dict.fromkeys(names, (4, 8)))
    assert (found.kind, found.family, found.problem) == ("lora", family, None)


def test_a_lora_tells_what_it_was_called_in_training(tmp_path):
    weights = {"lora_unet_mid_block.lora_up.weight": (4, 8)}
    assert told(tmp_path, weights, metadata={"ss_output_name": " Paper\n cut "}).alias == "Paper cut"
    assert told(tmp_path, weights).alias == ""


@pytest.mark.parametrize(
    ("width", "metadata", "family"),
    [
        (768, {}, "sd1"),
        (1024, {}, "sd2"),
        (2048, {}, "sdxl"),
        (8, {"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        (8, {"ss_base_model_version": "sd_v1"}, "sd1"),
        (8, {"modelspec.architecture": "stable-diffusion-v2-512/lora"}, "sd2"),
        (8, {"modelspec.architecture": "flux-1-dev/lora"}, "flux"),
    ],
)
def test_a_loras_family(tmp_path, width, metadata, family):
    name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
    assert told(tmp_path, {name: (4, width)}, metadata).family == family


@pytest.mark.parametrize(
    ("names", "kind", "family"),
    [
        (
            ["control_model.input_hint_block.0.weight", "control_model.time_embed.0.weight"],
            "controlnet",
            "sd1",
        ),
        (
            ["input_hint_block.0.weight", "zero_convs.0.0.weight", "input_blocks.0.0.weight"],
            "controlnet",
            "sd1",
        ),
        (["controlnet_cond_embedding.conv_in.weight", "conv_in.weight"], "controlnet", "sd1"),
        (["controlnet_cond_embedding.conv_in.weight", "add_embedding.linear_1.weight"], "controlnet", "sdxl"),
        (["adapter.body.0.resnets.0.block1.weight", "adapter.conv_in.weight"], "t2i-adapter", "sd1"),
        (["body.0.block1.weight", "conv_in.weight"], "t2i-adapter", "sd1"),
        (["image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight"], "ip-adapter", ""),
        (["encoder.conv_in.weight", "encoder.mid.block_1.conv1.weight"], "vae", ""),
        (["first_stage_model.decoder.mid.block_1.conv1.weight"], "vae", ""),
        (["decoder.conv_in.weight", "decoder.mid_block.resnets.0.conv1.weight"], "vae", ""),
        (["model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"], "upscaler", ""),
        (["conv_first.weight", "body.0.rdb1.conv1.weight"], "upscaler", ""),
        (["conv_first.weight", "RRDB_trunk.0.RDB1.conv1.weight"], "upscaler", ""),
        (["body.0.weight", "body.0.bias", "body.1.weight"], "upscaler", ""),
        (["module.model.0.weight", "module.model.1.sub.0.RDB1.conv1.0.weight"], "upscaler", ""),
        (["module.body.0.weight", "module.body.0.bias", "module.body.1.weight"], "upscaler", ""),
        (["conv_first.weight", "layers.0.residual_group.blocks.0.norm1.weight"], "upscaler", ""),
        (["m_head.0.weight", "m_tail.0.weight"], "upscaler", ""),
        (["feats.0.weight", "feats.1.lk.conv.weight"], "upscaler", ""),
        (["text_model.embeddings.token_embedding.weight"], "text-encoder", ""),
        (["embeddings.token_embedding.weight", "encoder.layers.0.mlp.fc1.weight"], "text-encoder", ""),
        (["transformer.resblocks.0.attn.in_proj_weight", "token_embedding.weight"], "text-encoder", ""),
        (["encoder.block.0.layer.0.SelfAttention.k.weight", "shared.weight"], "text-encoder", ""),
    ],
)
def test_parts_and_upscalers(tmp_path, names, kind, family):
    found = told(tmp_path, dict.fromkeys(names, (8, 8)))
    assert (found.kind, found.problem) == (kind, None)
    assert found.family == family


@pytest.mark.parametrize("prefix", ["", "first_stage_model."])
@pytest.mark.parametrize("ending", ["safetensors", "pt", "ckpt"])
def test_real_vaes(made, prefix, ending):
    found = made(tiny.write_vae, ending, prefix=prefix)
    assert (found.kind, found.layout, found.has_vae) == ("vae", "original", True)


@pytest.mark.parametrize(
    ("content", "family", "context", "vectors"),
    [
        ({"string_to_token": {"*": 265}, "string_to_param": {"*": (2, 768)}, "name": "cat"}, "sd1", 768, 2),
        ({"string_to_token": {"*": ()}, "string_to_param": {"*": (3, 768)}}, "sd1", 768, 3),
        ({"emb_params": (2, 1024)}, "sd2", 1024, 2),
        ({"clip_l": (4, 768), "clip_g": (4, 1280)}, "sdxl", 2048, 4),
        ({"<cat>": (768,)}, "sd1", 768, 1),
        ({"emb_params": (2, 8)}, "", 8, 2),
    ],
)
def test_embeddings(tmp_path, content, family, context, vectors):
    def filled(value):
        if isinstance(value, dict):
            return {key: filled(inside) for key, inside in value.items()}
        return torch.zeros(value) if isinstance(value, tuple) else value

    torch.save(filled(content), tmp_path / "a.pt")
    found = identify(tmp_path / "a.pt")
    assert (found.kind, found.family, found.problem) == ("embedding", family, None)
    assert (found.context, found.vectors) == (context, vectors)


def test_a_hypernetwork(tmp_path):
    layer = {"linear.0.weight": torch.zeros(2, 8), "linear.0.bias": torch.zeros(2)}
    torch.save({768: (layer, layer), "step": 3, "name": "a", "layer_structure": [1, 2, 1]}, tmp_path / "a.pt")
    assert identify(tmp_path / "a.pt").kind == "hypernetwork"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["something.else.weight"], "is no kind of model that Darkroom knows."),
        (["lllite_unet_input_blocks_4_1.conditioning1.0.weight"], "LLLite"),
        (["decoder.layers.2.conv.0.weight"], "TAESD"),
        (["down_blocks.0.motion_modules.0.temporal_transformer.norm.weight"], "AnimateDiff"),
    ],
)
def test_what_has_no_use_here_says_so(tmp_path, names, words):
    found = told(tmp_path, dict.fromkeys(names, (8, 8)))
    assert words in found.problem
    assert found.problem.endswith(".")


def test_a_file_without_weights(tmp_path):
    torch.save({"optimizer": "adam"}, tmp_path / "a.pt")
    assert identify(tmp_path / "a.pt").problem == "holds no weights."


@pytest.mark.parametrize("channels", [4, 16, 32])
@pytest.mark.parametrize(
    "names",
    [
        ("decoder.conv_in.weight", "decoder.mid.block_1.conv1.weight"),
        ("first_stage_model.decoder.conv_in.weight", "first_stage_model.decoder.mid.block_1.conv1.weight"),
        ("decoder.conv_in.weight", "decoder.mid_block.resnets.0.conv1.weight"),
    ],
)
def test_a_vaes_latent_channels(tmp_path, names, channels):
    entrance, middle = names
    found = told(tmp_path, {entrance: (8, channels, 3, 3), middle: (8, 8, 3, 3)})
    assert (found.kind, found.latent_channels) == ("vae", channels)


def test_a_video_models_vae(tmp_path):
    shapes = {"decoder.conv_in.weight": (8, 16, 3, 3, 3), "decoder.mid_block.resnets.0.conv1.weight": (8,)}
    found = told(tmp_path, shapes)
    assert found.kind == "vae"
    assert "video" in found.problem


def test_networks_as_diffusers_itself_names_them():
    """On torch's meta device they have names and shapes and no weights."""
    import diffusers

    def kind(network):
        shapes = {
            name: TensorInfo(tuple(weight.shape), "F32") for name, weight in network.state_dict().items()
        }
        found = recognise(Header(shapes))
        return found.kind, found.family, found.problem

    with torch.device("meta"):
        flux = {"num_layers": 1, "num_single_layers": 1}
        assert kind(diffusers.UNet2DConditionModel()) == ("diffusion-model", "sd1", None)
        assert kind(diffusers.FluxTransformer2DModel(**flux)) == ("checkpoint", "flux", None)
        assert kind(diffusers.SD3Transformer2DModel(num_layers=1)) == ("checkpoint", "sd3", None)
        for other in (diffusers.Flux2Transformer2DModel, diffusers.LongCatImageTransformer2DModel):
            assert kind(other(**flux)) == ("diffusion-model", "other", UNKNOWN_TRANSFORMER)
        assert kind(diffusers.ControlNetModel()) == ("controlnet", "sd1", None)
        assert kind(diffusers.FluxControlNetModel(**flux))[:2] == ("controlnet", "flux")
        assert kind(diffusers.T2IAdapter()) == ("t2i-adapter", "sd1", None)
        assert kind(diffusers.AutoencoderKL()) == ("vae", "", None)
        assert "TAESD" in kind(diffusers.AutoencoderTiny())[2]
        assert "no films" in kind(diffusers.MotionAdapter())[2]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("clip-vision", ["vision_model.encoder.layers.0.mlp.fc1.weight"]),
        ("clip-vision", ["visual.transformer.resblocks.0.ln_1.weight", "visual.conv1.weight"]),
        ("text-encoder", ["vision_model.encoder.layers.0.mlp.fc1.weight", "text_model.encoder.layers.0.a"]),
        ("annotator", ["block1.projection.weight", "block5.convs.2.weight"]),
        ("annotator", ["module.conv_reduces.0.conv.weight"]),
        ("ip-adapter", ["ip_adapter.1.to_k_ip.weight", "image_proj.proj.weight", "image_proj.norm.weight"]),
    ],
)
def test_what_sees_pictures(tmp_path, kind, names):
    found = told(tmp_path, dict.fromkeys(names, (768, 768)))
    assert (found.kind, found.problem) == (kind, None)
    assert found.family == ("sd1" if kind == "ip-adapter" else "")


def test_an_ip_adapter_that_is_given_faces_measures(tmp_path):
    names = ["ip_adapter.1.to_k_ip.weight", "image_proj.proj.0.weight", "image_proj.norm.weight"]
    assert "insightface" in told(tmp_path, dict.fromkeys(names, (768, 768))).problem
