"""The numbers that people may set to change a sampler or a schedule."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, Self

from webui.params import GenerationParams


@dataclass(frozen=True)
class SamplerOptions:
    """As the fields of `GenerationParams` of the same names; 0 and None stand for a method's own value."""

    eta: float | None = None
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = 0.0
    s_noise: float = 1.0
    sigma_min: float = 0.0
    sigma_max: float = 0.0
    rho: float = 0.0
    beta_alpha: float = 0.6
    beta_beta: float = 0.6
    discard_next_to_last_sigma: bool = False
    sgm_noise_multiplier: bool = False
    uni_pc_order: int = 3
    uni_pc_variant: Literal["bh1", "bh2"] = "bh1"

    @classmethod
    def of(cls, params: GenerationParams) -> Self:
        """Those that `params` ask for."""
        return cls(**{field.name: getattr(params, field.name) for field in fields(cls)})


DEFAULTS = SamplerOptions()
