"""diffusers' own pipelines, to hold ours against."""

from webui.engine.model import Model


def pipeline_of(kind: type, model: Model, scheduler, **components):
    """A pipeline of that class over the networks of `model`; it takes encoded prompts only."""
    pipeline = kind(
        vae=model.vae,
        text_encoder=model.encoders[0].network,
        tokenizer=None,
        unet=model.unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        **components,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
