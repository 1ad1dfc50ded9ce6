"""What a file is, from the names and shapes of its tensors.

Each kind of model has names of its own, given by the program that made the first of it. Widths differ
between small and large models of one family, so they decide only where names are the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from webui.catalog import backbones, loras, parts, widths
from webui.catalog.annotators import annotator
from webui.catalog.control_headers import control
from webui.catalog.entry import Identity, Kind, Prediction
from webui.catalog.headers import Header, HeaderError, read_header
from webui.catalog.upscaler_headers import upscaler

RECOGNISERS = (
    control,
    loras.lora,
    parts.ip_adapter,
    backbones.video,
    backbones.backbone,
    parts.embedding,
    parts.hypernetwork,
    parts.vae,
    parts.text_encoder,
    parts.image_encoder,
    annotator,
    upscaler,
)
"""In this order: what comes later would take some of the earlier for its own."""
WIDE: tuple[Kind, ...] = ("checkpoint", "diffusion-model", "controlnet", "t2i-adapter", "lora")
"""Kinds whose widths tell what goes with what."""
EDM = ("edm_mean", "edm_std", "edm_vpred.sigma_max", "edm_vpred.sigma_min")


def identify(file: Path) -> Identity:
    """What `file` is. Never raises for what the file holds: `problem` tells.

    Raises:
        OSError: it can't be read.
    """
    try:
        header = read_header(file)
    except HeaderError as error:
        return Identity(problem=f"{error}.")
    return recognise(header)


def recognise(header: Header) -> Identity:
    """What a file with this header is; of kind "other" if it is nothing known."""
    if not header.tensors:
        return Identity(problem="holds no weights.")
    found = next(filter(None, (recogniser(header) for recogniser in RECOGNISERS)), None)
    if found is None:
        return Identity(dtype=header.dtype(), problem="is no kind of model that Darkroom knows.")
    problem = found.problem
    if found.kind in ("checkpoint", "diffusion-model") and header.has(*EDM):
        problem = problem or "was trained in the EDM formulation, which Darkroom can't draw with."
    return replace(
        found,
        dtype=header.dtype(),
        prediction=found.prediction or _prediction(header),
        zero_snr=_zero_snr(header),
        problem=problem,
        context=widths.context(header) if found.kind in WIDE else found.context,
        channels=widths.channels(header) if found.kind in WIDE else 0,
    )


def _prediction(header: Header) -> Prediction | None:
    """From marker tensors (as NoobAI XL has) or the metadata of modelspec and of kohya's trainer."""
    if header.has("v_pred"):
        return "v_prediction"
    told = header.metadata.get("modelspec.prediction_type", "").lower()
    if told in ("v", "v_prediction", "v-prediction", "velocity"):
        return "v_prediction"
    if told in ("epsilon", "eps"):
        return "epsilon"
    if header.metadata.get("ss_v_parameterization", "").lower() == "true":
        return "v_prediction"
    return "v_prediction" if header.metadata.get("modelspec.architecture", "").endswith("768-v") else None


def _zero_snr(header: Header) -> bool | None:
    told = header.metadata.get("ss_zero_terminal_snr", "").lower()
    return True if header.has("ztsnr") or told == "true" else None
