"""What LoRAs are put on: the networks of a model, and how they compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from torch import nn

from webui.catalog.entry import Family, ModelFile
from webui.engine.adapters.fitting import Convert
from webui.engine.adapters.places import Places
from webui.engine.devices import Placement
from webui.engine.model import Model

SPOKEN: Mapping[Family, str] = {
    "sd1": "SD 1.x",
    "sd2": "SD 2.x",
    "sdxl": "SDXL",
    "sdxl-refiner": "the SDXL refiner",
    "sd3": "SD 3",
    "flux": "Flux",
}


@dataclass(frozen=True, eq=False)
class Body:
    """The networks of a model by part. `main` is the one that samples; the others are text encoders."""

    family: Family
    main: str
    networks: Mapping[str, nn.Module]
    placement: Placement
    convert: Convert | None = None
    """See `fitting.fit`."""

    @classmethod
    def of(cls, model: Model) -> Body:
        """A model of the Stable Diffusion families."""
        encoders = {each.part: cast(nn.Module, each.network) for each in model.encoders}
        return cls(model.family, "unet", {"unet": model.unet, **encoders}, model.placement)

    @property
    def texts(self) -> list[str]:
        """The parts that are text encoders."""
        return [part for part in self.networks if part != self.main]

    def places(self) -> Places:
        """Its modules, by the names that files have for them."""
        return Places(self.networks, xl=self.family.startswith("sdxl"))

    def refusal(self, name: str, file: ModelFile) -> str | None:
        """Why a LoRA file can't be put on, in a sentence; None: it may be tried."""
        if file.problem:
            return f"{file.problem} The picture was drawn without it."
        family = file.identity.family
        if family in ("", "other", self.family) or self.family == "other":
            return None
        own, others = SPOKEN.get(self.family, self.family), SPOKEN.get(family, family)
        return f'LoRA "{name}" is for {others} and this checkpoint is of {own}; it was drawn without it.'
