"""The UNet as the samplers see it: noisy latents and a sigma in, predicted clean latents out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from webui.engine.company import Companion, Given
from webui.engine.conditioning import Conditioning, Heard, Part
from webui.engine.guidance import Guidance
from webui.engine.model import Model
from webui.engine.samplers.schedules import NoiseTable

GOOD, POOR = 6.0, 2.5
"""The aesthetic scores that SDXL's refiner is told for what is wanted and what is not."""


@dataclass(frozen=True)
class _Row:
    """One row of what the UNet is given: a picture of the batch with one of its prompts."""

    picture: int
    part: Part
    wanted: bool
    """False: it is the negative prompt."""
    blind: bool = False
    """Whether the UNet isn't shown what it takes beside the latents."""


@dataclass(frozen=True)
class _Call:
    """Rows that the UNet is given at once: those of the same number of tokens."""

    places: list[int]
    pictures: Tensor
    seeing: Tensor
    """Whether each row isn't blind, shape (rows, 1, 1, 1)."""
    rows: list[_Row]
    tokens: Tensor
    added: dict[str, Tensor] | None


def _nothing() -> None:
    pass


def _as_it_is(clean: Tensor, _: float) -> Tensor:
    return clean


class Denoiser:
    """Guided prediction by an epsilon- or v-predicting UNet, for a batch that is drawn together.

    Where the negative prompt has no say it is not computed. Prompts of different lengths go through the UNet
    one after the other, so that none depends on the others'. `beside` is what an inpainting or an instructed
    UNet takes beside the latents, shape (1 or batch, extra channels, height, width).
    """

    def __init__(
        self,
        model: Model,
        conditioning: Conditioning,
        guidance: Guidance,
        beside: Tensor | None = None,
        table: NoiseTable | None = None,
        evaluation: int = 0,
        before_each: Callable[[], None] = _nothing,
        kept: Callable[[Tensor, float], Tensor] = _as_it_is,
        companions: Sequence[Companion] = (),
    ) -> None:
        """Prepare; nothing is computed yet.

        Args:
            model: whose UNet is asked.
            conditioning: what the batch's pictures listen to.
            guidance: how hard it pulls.
            beside: see above.
            table: other noise than what the model says it was trained on.
            evaluation: how often a model has been asked before, on the way so far.
            before_each: called before each evaluation.
            kept: puts what isn't to change into a prediction at a sigma.
            companions: what takes part in each call of the UNet.
        """
        self._model = model
        self._conditioning = conditioning
        self._guidance = guidance
        self._beside = beside
        self._table = table or model.noise_table
        self._before_each = before_each
        self._kept = kept
        self._companions = companions
        self._rows: list[_Row] = []
        self._calls: list[_Call] = []
        self.evaluation = evaluation
        self.latest: Tensor | None = None
        """The last prediction: the picture as it looks now, shape (batch, channels, height, width)."""
        self.unconditional: Tensor | None = None
        """The same for the negative prompt alone; where that wasn't heard, what `latest` is."""

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """The clean latents that the model sees in `x` = picture + sigma * noise."""
        heard = self._conditioning.at(self.evaluation)
        contrasts = self._guidance.contrasts(self.evaluation, sigma)
        self.evaluation += 1
        self._before_each()
        rows = self._rows_of(heard, contrasts)
        raw = self._outputs(x * (1 / math.sqrt(1 + sigma**2)), sigma, rows)
        guided, unwanted = self._guided(rows, raw)
        self.latest = self._kept(self._clean(guided, x, sigma), sigma)
        self.unconditional = (
            self.latest if unwanted is None else self._kept(self._clean(unwanted, x, sigma), sigma)
        )
        return self.latest

    def _clean(self, raw: Tensor, x: Tensor, sigma: float) -> Tensor:
        if self._model.prediction == "v_prediction":
            scale = 1 / math.sqrt(1 + sigma**2)
            return x * scale**2 - raw * (sigma * scale)
        return x - raw * sigma

    def _rows_of(self, heard: Sequence[Heard], contrasts: bool) -> list[_Row]:
        """The negative rows of all pictures, those that see nothing first, then the positive ones."""
        contrasted = [(picture, each) for picture, each in enumerate(heard) if contrasts]
        blind = [
            _Row(picture, each.unwanted, wanted=False, blind=True)
            for picture, each in contrasted
            if self._guidance.compares
        ]
        negative = [
            _Row(picture, each.unwanted, wanted=False)
            for picture, each in contrasted
            if self._guidance.hears_negative(each.plain)
        ]
        return (
            blind
            + negative
            + [_Row(picture, part, wanted=True) for picture, each in enumerate(heard) for part in each.wanted]
        )

    def _guided(self, rows: Sequence[_Row], raw: Tensor) -> tuple[Tensor, Tensor | None]:
        """For each picture the guided output, and the negative prompt's if all pictures have one."""
        guided: list[Tensor] = []
        negatives: list[Tensor] = []
        for picture in range(len(self._conditioning)):
            own = [(row, out) for row, out in zip(rows, raw, strict=True) if row.picture == picture]
            weights = [row.part.weight for row, _ in own if row.wanted]
            wanted = [out for row, out in own if row.wanted]
            unwanted = next((out for row, out in own if not row.wanted and not row.blind), None)
            blind = next((out for row, out in own if row.blind), None)
            negatives += [] if unwanted is None else [unwanted]
            guided.append(self._guidance.guided(wanted, weights, unwanted, blind))
        every = len(negatives) == len(guided)
        return torch.stack(guided), torch.stack(negatives) if every else None

    def _outputs(self, x: Tensor, sigma: float, rows: list[_Row]) -> Tensor:
        """What the UNet gives for each row, in 32 bits."""
        if not _same(rows, self._rows):
            self._rows, self._calls = rows, self._grouped(rows, x)
        timestep = torch.tensor([self._table.timestep(sigma)], device=x.device)
        found: dict[int, Tensor] = {}
        for call in self._calls:
            given = self._given(x, call).to(self._model.placement.dtype)
            more = self._accompanied(x, call, timestep, sigma)
            out = self._model.unet(
                given, timestep, call.tokens, added_cond_kwargs=call.added, return_dict=False, **more
            )[0].float()
            found.update(zip(call.places, out, strict=True))
        return torch.stack([found[place] for place in range(len(rows))])

    def _accompanied(self, x: Tensor, call: _Call, timestep: Tensor, sigma: float) -> dict[str, Any]:
        """What the companions give the UNet beside."""
        if not self._companions:
            return {}
        given = Given(
            latents=x[call.pictures],
            timestep=timestep,
            tokens=call.tokens,
            added=call.added,
            pictures=tuple(row.picture for row in call.rows),
            wanted=tuple(row.wanted for row in call.rows),
            networks=tuple(row.part.networks for row in call.rows),
            sigma=sigma,
            share=(self.evaluation - 1) / self._guidance.evaluations,
        )
        more: dict[str, Any] = {}
        for companion in self._companions:
            more |= companion.beside(given)
        return more

    def _given(self, x: Tensor, call: _Call) -> Tensor:
        """The rows' latents and what the UNet takes beside them."""
        latents = x[call.pictures]
        if self._beside is None:
            return latents
        beside = self._beside if len(self._beside) == 1 else self._beside[call.pictures]
        return torch.cat([latents, beside.to(x.dtype) * call.seeing], 1)

    def _grouped(self, rows: Sequence[_Row], x: Tensor) -> list[_Call]:
        lengths = dict.fromkeys(row.part.embedding.tokens.shape[1] for row in rows)
        groups = [
            [place for place, row in enumerate(rows) if row.part.embedding.tokens.shape[1] == length]
            for length in lengths
        ]
        return [self._call(places, [rows[place] for place in places], x) for places in groups]

    def _call(self, places: list[int], rows: Sequence[_Row], x: Tensor) -> _Call:
        pictures = torch.tensor([row.picture for row in rows], device=x.device)
        seeing = torch.tensor([not row.blind for row in rows], device=x.device)
        tokens = torch.cat([row.part.embedding.tokens for row in rows])
        added = self._additions(rows, x)
        return _Call(places, pictures, seeing[:, None, None, None], list(rows), tokens, added)

    def _additions(self, rows: Sequence[_Row], x: Tensor) -> dict[str, Tensor] | None:
        """What SDXL takes beside the tokens (Podell et al., arXiv:2307.01952, 2.2): pooled text and sizes."""
        pooled = [row.part.embedding.pooled for row in rows if row.part.embedding.pooled is not None]
        if not pooled:
            return None
        height, width = (side * self._model.scale for side in x.shape[-2:])
        sizes = [self._sizes(row, width, height) for row in rows]
        return {
            "text_embeds": torch.cat(pooled),
            "time_ids": torch.tensor(sizes, dtype=torch.float32, device=x.device),
        }

    def _sizes(self, row: _Row, width: int, height: int) -> list[float]:
        """Original size, crop, and target size; to the refiner a score in place of the target size."""
        if self._model.family == "sdxl-refiner":
            return [height, width, 0, 0, GOOD if row.wanted else POOR]
        return [height, width, 0, 0, height, width]


def _same(rows: Sequence[_Row], others: Sequence[_Row]) -> bool:
    return len(rows) == len(others) and all(
        row.part is other.part
        and row.picture == other.picture
        and row.blind == other.blind
        and row.wanted == other.wanted
        for row, other in zip(rows, others, strict=True)
    )
