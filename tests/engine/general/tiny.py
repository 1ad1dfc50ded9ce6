"""Tiny random models of many families, in diffusers' folder format; nothing comes from the network."""

import functools

import torch
from diffusers import (
    AuraFlowPipeline,
    AuraFlowTransformer2DModel,
    ChromaPipeline,
    ChromaTransformer2DModel,
    CogView4Pipeline,
    CogView4Transformer2DModel,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    FluxPipeline,
    FluxTransformer2DModel,
    HunyuanDiT2DModel,
    HunyuanDiTPipeline,
    Lumina2Pipeline,
    Lumina2Transformer2DModel,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    SanaPipeline,
    SanaTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from transformers import (
    BertConfig,
    BertModel,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    GlmConfig,
    GlmModel,
    Qwen3Model,
    UMT5Config,
    UMT5EncoderModel,
)

from tests.engine.general.tiny_text import (
    bert_tokenizer,
    clip_config,
    clip_tokenizer,
    gemma,
    gemma_tokenizer,
    glm_tokenizer,
    qwen3,
    qwen3_deep,
    qwen_tokenizer,
    qwen_vl,
    t5,
    t5_tokenizer,
    t5_wide,
)
from tests.engine.general.tiny_vaes import vae, vae_dc, vae_flux2, vae_qwen


def sd3(channels=4, **options):
    transformer = SD3Transformer2DModel(
        sample_size=32,
        patch_size=2,
        in_channels=channels,
        out_channels=channels,
        num_layers=2,
        attention_head_dim=64,
        num_attention_heads=1,
        joint_attention_dim=128,
        caption_projection_dim=64,
        pooled_projection_dim=96,
        pos_embed_max_size=32,
    )
    return StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(channels),
        text_encoder=CLIPTextModelWithProjection(clip_config(32)),
        tokenizer=clip_tokenizer(),
        text_encoder_2=CLIPTextModelWithProjection(clip_config(64)),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=t5_wide(),
        tokenizer_3=t5_tokenizer(),
        **options,
    )


def flux(guidance=True):
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=guidance,
    )
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=guidance),
        vae=vae(),
        text_encoder=CLIPTextModel(clip_config(32)),
        tokenizer=clip_tokenizer(),
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
        transformer=transformer,
    )


def schnell():
    return flux(guidance=False)


def chroma():
    transformer = ChromaTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 4, 8),
        approximator_num_channels=16,
        approximator_hidden_dim=32,
        approximator_layers=1,
    )
    return ChromaPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
        transformer=transformer,
    )


def pixart():
    transformer = PixArtTransformer2DModel(
        sample_size=8,
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=3,
        caption_channels=32,
        in_channels=4,
        cross_attention_dim=24,
        out_channels=8,
        attention_bias=True,
        activation_fn="gelu-approximate",
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        norm_eps=1e-6,
    )
    return PixArtSigmaPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5(),
        vae=vae(shift_factor=None),
        transformer=transformer,
        scheduler=DPMSolverMultistepScheduler(),
    )


def sana():
    transformer = SanaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=4,
        cross_attention_dim=8,
        caption_channels=8,
        sample_size=32,
    )
    flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
    return SanaPipeline(
        tokenizer=gemma_tokenizer(),
        text_encoder=gemma(),
        vae=vae_dc(),
        transformer=transformer,
        scheduler=DPMSolverMultistepScheduler(**flow),
    )


def lumina2():
    transformer = Lumina2Transformer2DModel(
        sample_size=4,
        patch_size=2,
        in_channels=4,
        hidden_size=8,
        num_layers=2,
        num_attention_heads=1,
        num_kv_heads=1,
        multiple_of=16,
        ffn_dim_multiplier=None,
        scaling_factor=1.0,
        axes_dim_rope=[4, 2, 2],
        axes_lens=[512, 64, 64],
        cap_feat_dim=8,
    )
    return Lumina2Pipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae(),
        text_encoder=gemma(),
        tokenizer=gemma_tokenizer(),
    )


def qwen_image():
    transformer = QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=16,
        out_channels=4,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        guidance_embeds=False,
        axes_dims_rope=(8, 4, 4),
    )
    return QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae_qwen(),
        text_encoder=qwen_vl(),
        tokenizer=qwen_tokenizer(),
        transformer=transformer,
    )


def z_image():
    transformer = ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[256, 32, 32],
    )
    # They are made with torch.empty.
    torch.nn.init.ones_(transformer.x_pad_token)
    torch.nn.init.ones_(transformer.cap_pad_token)
    return ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae(),
        text_encoder=qwen3(Qwen3Model),
        tokenizer=qwen_tokenizer(),
        transformer=transformer,
    )


def flux2_klein(is_distilled=False):
    transformer = Flux2Transformer2DModel(
        patch_size=1,
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16 * 3,
        timestep_guidance_channels=256,
        axes_dims_rope=[4, 4, 4, 4],
        guidance_embeds=False,
    )
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae_flux2(),
        text_encoder=qwen3_deep(),
        tokenizer=qwen_tokenizer(),
        transformer=transformer,
        is_distilled=is_distilled,
    )


def aura_flow():
    transformer = AuraFlowTransformer2DModel(
        sample_size=32,
        patch_size=2,
        in_channels=4,
        num_mmdit_layers=1,
        num_single_dit_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=32,
        out_channels=4,
        pos_embed_max_size=256,
    )
    return AuraFlowPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5(UMT5EncoderModel, UMT5Config),
        vae=vae(shift_factor=None),
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )


def hunyuan_dit():
    transformer = HunyuanDiT2DModel(
        sample_size=16,
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=3,
        in_channels=4,
        cross_attention_dim=32,
        cross_attention_dim_t5=32,
        pooled_projection_dim=16,
        hidden_size=24,
        activation_fn="gelu-approximate",
    )
    bert = BertConfig(
        vocab_size=64,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=37,
        max_position_embeddings=128,
    )
    return HunyuanDiTPipeline(
        vae=vae(shift_factor=None),
        text_encoder=BertModel(bert),
        tokenizer=bert_tokenizer(),
        transformer=transformer,
        scheduler=DDPMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
    )


def cogview4():
    transformer = CogView4Transformer2DModel(
        patch_size=2,
        in_channels=4,
        num_layers=2,
        attention_head_dim=4,
        num_attention_heads=4,
        out_channels=4,
        text_embed_dim=32,
        time_embed_dim=8,
        condition_dim=4,
    )
    glm = GlmConfig(
        vocab_size=259,
        hidden_size=32,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        pad_token_id=0,
        eos_token_id=1,
    )
    return CogView4Pipeline(
        tokenizer=glm_tokenizer(),
        text_encoder=GlmModel(glm),
        vae=vae(shift_factor=None),
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(
            base_shift=0.25, max_shift=0.75, use_dynamic_shifting=True, time_shift_type="linear"
        ),
    )


FAMILIES = {
    "sd3": sd3,
    "sd3-16": functools.partial(sd3, 16),  # as many channels as diffusers' inpainting insists on
    "flux": flux,
    "schnell": schnell,
    "chroma": chroma,
    "pixart": pixart,
    "sana": sana,
    "lumina2": lumina2,
    "qwen-image": qwen_image,
    "z-image": z_image,
    "flux2-klein": flux2_klein,
    "aura-flow": aura_flow,
    "hunyuan-dit": hunyuan_dit,
    "cogview4": cogview4,
}


def save(family, folder):
    """A random model of that family in `folder`, always the same one."""
    torch.manual_seed(0)
    FAMILIES[family]().save_pretrained(folder)
