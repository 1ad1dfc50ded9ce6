"""The way from noise to picture."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, field_validator

LEAST_SIGMA = 1e-4
"""Below it numbers of 32 bits can't tell noise from none."""


class SamplingParams(BaseModel):
    """Sampler, schedule, and the numbers that change them. Sigmas are relative to the picture's spread."""

    sampler_name: str = Field(
        default="DPM++ 2M", title="Sampling method", description="The way from noise to picture."
    )
    scheduler: str = Field(
        default="Automatic",
        title="Schedule type",
        description="How the noise levels are spaced over the steps.",
    )
    steps: int = Field(
        default=20,
        ge=1,
        le=150,
        title="Sampling steps",
        description="More steps: finer, slower. 15 to 30 serve most.",
    )
    eta: float | None = Field(
        default=None,
        ge=0,
        le=10,
        title="Eta",
        description="How much noise ancestral samplers and DDIM add. Empty: 1, for DDIM 0.",
    )
    s_churn: float = Field(
        default=0.0,
        ge=0,
        le=100,
        title="Sigma churn",
        description="Noise added anew at each step of Euler, Heun and DPM2, over all steps. 0: none.",
    )
    s_tmin: float = Field(
        default=0.0, ge=0, le=1000, title="Sigma tmin", description="Below this sigma nothing is churned."
    )
    s_tmax: float = Field(
        default=0.0,
        ge=0,
        le=1000,
        title="Sigma tmax",
        description="Above this sigma nothing is churned. 0: no limit.",
    )
    s_noise: float = Field(
        default=1.0,
        ge=0,
        le=2,
        title="Sigma noise",
        description="What added noise is multiplied by, in samplers that add some.",
    )
    sigma_min: float = Field(
        default=0.0,
        ge=0,
        le=1000,
        title="Schedule min sigma",
        description="The last noise level before the picture. 0: the model's own.",
    )
    sigma_max: float = Field(
        default=0.0,
        ge=0,
        le=10_000,
        title="Schedule max sigma",
        description="The first noise level. 0: the model's own.",
    )
    rho: float = Field(
        default=0.0,
        ge=0,
        le=100,
        title="Schedule rho",
        description="Higher: more steps near the picture. 0: its own (Karras 7, Polyexponential 1).",
    )
    beta_alpha: float = Field(
        default=0.6,
        gt=0,
        le=10,
        title="Beta schedule alpha",
        description="Beta only. Lower: more steps at the start.",
    )
    beta_beta: float = Field(
        default=0.6,
        gt=0,
        le=10,
        title="Beta schedule beta",
        description="Beta only. Lower: more steps near the picture.",
    )
    discard_next_to_last_sigma: bool = Field(
        default=False,
        title="Always discard next-to-last sigma",
        description="One level more, and the last but one left out, as DPM2 always does.",
    )
    sgm_noise_multiplier: bool = Field(
        default=False,
        title="SGM noise multiplier",
        description="Begin a little noisier, as SDXL was trained to.",
    )
    uni_pc_order: int = Field(
        default=3, ge=1, le=9, title="UniPC order", description="UniPC only. Higher: finer, less stable."
    )
    uni_pc_variant: Literal["bh1", "bh2"] = Field(
        default="bh1",
        title="UniPC variant",
        description="UniPC only. bh2 suits few steps with strong guidance.",
    )
    noise_schedule: Literal["Default", "Zero Terminal SNR"] = Field(
        default="Default",
        title="Noise schedule",
        description="Zero Terminal SNR: begin at pure noise, for models trained so. Default: the model's.",
    )

    @field_validator("sigma_min", "sigma_max")
    @classmethod
    def _is_a_noise_level(cls, sigma: float) -> float:
        if 0 < sigma < LEAST_SIGMA:
            raise ValueError(f"must be 0 for the model's own, or {LEAST_SIGMA:g} or more")
        return sigma
