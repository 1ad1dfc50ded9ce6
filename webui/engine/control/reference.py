"""Reference pictures without a network of their own: the UNet looks at them, and remembers what it saw.

In each call the UNet first sees the reference with as much noise as the picture has. What its self-attention
looks at there is looked at beside the picture's own (reference_only), or the features' means and deviations
are made those of the reference (reference_adain; Huang & Belongie, arXiv:1703.06868).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from webui.engine.adapter import Adapter
from webui.engine.company import Given
from webui.engine.control.steering import Residuals, Say

MODULES = ("reference_only", "reference_adain", "reference_adain+attn")
"""The preprocessors that steer this way."""
TINY = 1e-6

Statistics = tuple[Tensor, Tensor]
"""Mean and deviation of features, each of shape (rows, channels, 1, 1)."""


@dataclass(eq=False)
class Reference:
    """One unit's picture, and what the UNet saw in it in this call."""

    latents: Tensor
    """Shape (1, channels, height, width), without noise."""
    noise: Tensor
    say: Say
    fidelity: float
    """How much less the negative prompt's rows follow it, 0 to 1: the more, the closer the style."""
    attends: bool
    """Whether self-attention looks at it."""
    adapts: bool
    """Whether features' statistics are made its own."""
    attended: dict[nn.Module, Tensor] = field(default_factory=dict[nn.Module, Tensor])
    statistics: dict[nn.Module, Statistics] = field(default_factory=dict[nn.Module, Statistics])

    def forget(self) -> None:
        """Let go what was seen."""
        self.attended.clear()
        self.statistics.clear()


def reference(module: str, latents: Tensor, say: Say, fidelity: float) -> Reference:
    """The unit's reference, by its preprocessor `module`. Its noise is the same for every picture."""
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0)).to(latents)
    modes = {"My prompt is more important": 0.0, "ControlNet is more important": 1.0}
    settled = modes.get(say.unit.control_mode, fidelity)
    return Reference(latents, noise, say, settled, module != MODULES[1], module != MODULES[0])


class References(Adapter):
    """`with References(unet, references) as steerer:` all the references of a walk."""

    def __init__(self, unet: UNet2DConditionModel, references: Sequence[Reference]) -> None:
        super().__init__()
        self._unet = unet
        self._references = references
        self._written: Reference | None = None
        """Whose picture the UNet is seeing now; None: it sees what is drawn."""
        self._active: list[Reference] = []
        self._wanted: tuple[bool, ...] = ()

    def residuals(self, given: Given) -> Residuals | None:
        """Have the UNet see the references, as its next call needs it; nothing is added to its features."""
        self._active = []
        active = [each for each in self._references if each.say.now(given.share)]
        for each in self._references:
            each.forget()
        for each in active:
            self._written = each
            try:
                self._see(each, given)
            finally:
                self._written = None
        self._active, self._wanted = active, given.wanted
        return None

    def _see(self, seen: Reference, given: Given) -> None:
        noisy = (seen.latents + given.sigma * seen.noise) / math.sqrt(1 + given.sigma**2)
        latents = self._completed(noisy, seen.latents).expand(len(given.wanted), -1, -1, -1)
        self._unet(
            latents.to(self._unet.dtype),
            given.timestep,
            given.tokens,
            added_cond_kwargs=given.added,
            return_dict=False,
        )

    def _completed(self, noisy: Tensor, clean: Tensor) -> Tensor:
        """With what an inpainting or instructed UNet takes beside: of the reference, with nothing masked."""
        more = int(cast(Any, self._unet.config).in_channels) - noisy.shape[1]
        if more <= 0:
            return noisy
        beside = torch.cat([torch.zeros_like(clean[:, :1]), clean], 1) if more > clean.shape[1] else clean
        return torch.cat([noisy, beside[:, :more]], 1)

    def _change(self) -> None:
        self._undo.callback(self._forget)
        blocks = [block for block in self._unet.modules() if type(block) is BasicTransformerBlock]
        # The widest first: a lower weight leaves the others alone.
        blocks.sort(key=lambda block: -cast(Any, block).norm1.normalized_shape[0])
        for place, block in enumerate(blocks):
            attention, need = cast(nn.Module, block.attn1), place / len(blocks)
            self._set(attention, forward=partial(self._attend, attention, attention.forward, need))
            if vars(block).get("_compiled_call_impl"):
                self._set(block, _compiled_call_impl=None)
        for module, need in _adapted(self._unet):
            self._hook(module.register_forward_hook(partial(self._adapt, need)))

    def _forget(self) -> None:
        self._active = []
        for each in self._references:
            each.forget()

    def _attend(
        self,
        attention: nn.Module,
        forward: Callable[..., Tensor],
        need: float,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        **named: Any,  # noqa: ANN401
    ) -> Tensor:
        own = partial(forward, encoder_hidden_states=encoder_hidden_states, **named)
        if self._written:
            if self._written.attends and self._written.say.unit.weight > need:
                self._written.attended[attention] = hidden_states
            return own(hidden_states)
        seen = [each for each in self._active if attention in each.attended]
        if not seen:
            return own(hidden_states)
        beside = [each.attended[attention] for each in seen]
        attended = forward(
            hidden_states, encoder_hidden_states=torch.cat([hidden_states, *beside], 1), **named
        )
        return self._mixed(attended, seen, lambda rows: own(hidden_states[rows]))

    def _adapt(self, need: float, module: nn.Module, _: object, output: Any) -> Any:  # noqa: ANN401
        features = cast(Tensor, output[0] if isinstance(output, tuple) else output)
        if self._written:
            if self._written.adapts and self._written.say.unit.weight > need:
                self._written.statistics[module] = _statistics(features)
            return None
        seen = [each for each in self._active if module in each.statistics]
        if not seen:
            return None
        mean, deviation = _statistics(features)
        known = [each.statistics[module] for each in seen]
        theirs, spread = (torch.stack(values).mean(0) for values in zip(*known, strict=True))
        adapted = self._mixed(
            (features - mean) / deviation * spread + theirs, seen, lambda rows: features[rows]
        )
        return (adapted, *output[1:]) if isinstance(output, tuple) else adapted

    def _mixed(self, changed: Tensor, seen: list[Reference], own: Callable[[list[int]], Tensor]) -> Tensor:
        """`changed`, in the negative prompt's rows with a share of what is their `own`."""
        fidelity = sum(each.fidelity for each in seen) / len(seen)
        rows = [row for row, wanted in enumerate(self._wanted) if not wanted]
        if not rows or fidelity <= 0:
            return changed
        mixed = changed.clone()
        mixed[rows] = torch.lerp(changed[rows], own(rows), fidelity)
        return mixed


def _statistics(features: Tensor) -> Statistics:
    variance, mean = torch.var_mean(features.float(), dim=(2, 3), keepdim=True, correction=0)
    return mean.to(features.dtype), variance.clamp_min(TINY).sqrt().to(features.dtype)


def _adapted(unet: UNet2DConditionModel) -> list[tuple[nn.Module, float]]:
    """Modules whose features take on a reference's statistics, each with the weight above which it does.

    The middle block does at any weight, and the layers farther from it at higher ones; those of full
    resolution never do.
    """
    middle = cast("nn.Module | None", unet.mid_block)
    inner = [layer for block in list(unet.down_blocks)[1:] for layer in _layers(block)]
    outer = [layer for block in list(unet.up_blocks)[:-1] for layer in _layers(block)]
    return [
        *([(middle, 0.0)] if middle is not None else []),
        *((layer, 1 - place / len(inner)) for place, layer in enumerate(inner)),
        *((layer, place / len(outer)) for place, layer in enumerate(outer)),
    ]


def _layers(block: nn.Module) -> list[nn.Module]:
    """What gives a block's features: its attentions, or where it has none its resnets."""
    return list(getattr(block, "attentions", None) or cast(Any, block).resnets)
