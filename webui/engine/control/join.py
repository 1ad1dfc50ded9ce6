"""Units join a walk: their networks are lent, their maps made, and what they add told to the UNet."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional as F

from webui.catalog.control_models import goes_with, steerable
from webui.catalog.entry import ModelFile
from webui.engine.company import Visit
from webui.engine.control.hints import Hint, Hints
from webui.engine.control.kinds import kind_of
from webui.engine.control.loading import KINDS
from webui.engine.control.reference import MODULES, Reference, References, reference
from webui.engine.control.steering import (
    AdapterSteerer,
    NetSteerer,
    Say,
    Steerer,
    Steering,
    UnionSteerer,
)
from webui.engine.control.taking_part import Admission, has_a_say, in_pass
from webui.engine.held import Wanted
from webui.engine.lending import Lend
from webui.engine.model import Model
from webui.engine.protocol import Control, EngineError, Order
from webui.imaging.preprocessors.table import Preprocessors
from webui.params.control import ControlUnit

MASKED, MASKED_FOR_UNION = -1.0, 0.0
"""What pixels are that a ControlNet is to paint."""

Want = Callable[[ModelFile, ModelFile], Wanted]
"""The network of a file, as it is to be used with a checkpoint."""


class Controls:
    """Joins walks with all units but IP-Adapters'."""

    def __init__(self, lend: Lend, want: Want, preprocessors: Preprocessors) -> None:
        self._lend = lend
        self._want = want
        self._preprocessors = preprocessors
        self._hints = Hints(preprocessors)
        self._order: tuple[Control, ...] = ()
        self._admission = Admission("A unit of ControlNet")

    def networks(self, order: Order, want: Want) -> Iterator[Wanted]:
        """The networks that `order` will need with its own checkpoint, as `want` makes them.

        Raises:
            EngineError: one doesn't go with it.
        """
        for control in order.controls:
            if control.model and control.model.kind in KINDS and has_a_say(control.unit):
                if problem := goes_with(control.model, order.checkpoint):
                    raise EngineError(problem)
                yield want(control.model, order.checkpoint)

    @contextmanager
    def join(self, visit: Visit) -> Generator[Steering | None]:
        """See `company.Join`."""
        self._begin(visit.batch.order)
        controls = [control for control in visit.batch.order.controls if self._takes_part(control, visit)]
        if not controls:
            yield None
            return
        with ExitStack() as stack:
            steerers = [self._steerer(control, visit, stack) for control in controls if control.model]
            if references := [self._reference(control, visit) for control in controls if not control.model]:
                steerers.append(stack.enter_context(References(visit.model.unet, references)))
            visit.observer.phase("sampling")
            yield Steering(steerers)

    def _begin(self, order: Order) -> None:
        if order.controls is not self._order:
            self._hints.forget()
            self._order = order.controls

    def _takes_part(self, control: Control, visit: Visit) -> bool:
        """Whether a unit is one of these, and steers on this walk; raises as `Admission.admits`."""
        unit, model = control.unit, control.model
        if not (model.kind in KINDS if model else unit.module in MODULES):
            return False
        if not has_a_say(unit) or not in_pass(unit, visit.batch):
            return False
        checkpoint = visit.model.checkpoint
        problem = goes_with(model, checkpoint) if model else steerable(checkpoint)
        return self._admission.admits(visit, problem)

    def _steerer(self, control: Control, visit: Visit, stack: ExitStack) -> Steerer:
        model, device = control.model, visit.model.placement.device
        assert model is not None
        visit.observer.phase("making the map")
        hint = self._hint(control, visit)
        visit.observer.phase("loading the ControlNet")
        network = stack.enter_context(self._lend(self._want(model, visit.model.checkpoint)))
        say = _say(control.unit, hint, visit.model)
        if model.kind == "t2i-adapter":
            return AdapterSteerer(_features(network, hint, visit, model), say)
        if not _is_copy(network, visit.model.unet):
            raise EngineError(_misfit(model, visit.model.checkpoint))
        if model.identity.variant != "union":
            return NetSteerer(network, hint.pixels(MASKED).to(device), say)
        control_type = self._preprocessors.find(control.unit.module).control_type
        known = int(cast(Any, network).config.num_control_type)
        kind = kind_of(control.unit.union_control_type, control_type, known, model.name)
        return UnionSteerer(network, hint.pixels(MASKED_FOR_UNION).to(device), say, kind)

    def _reference(self, control: Control, visit: Visit) -> Reference:
        visit.observer.phase("reading the reference")
        hint = self._hint(control, visit)
        latents = visit.decoder.encode_picture(
            hint.image, visit.observer.notice, seamless=visit.batch.params.tiling
        )
        module = self._preprocessors.find(control.unit.module)
        slider = module.threshold_a
        fidelity = slider.settled(control.unit.threshold_a) if slider else 0.5
        return reference(module.name, latents, _say(control.unit, hint, visit.model), fidelity)

    def _hint(self, control: Control, visit: Visit) -> Hint:
        height, width = (side * visit.model.scale for side in visit.size)
        return self._hints.of(control, visit.batch, (width, height))


def _say(unit: ControlUnit, hint: Hint, model: Model) -> Say:
    region = hint.region()
    return Say(unit, None if region is None else region.to(model.placement.device))


def _features(network: nn.Module, hint: Hint, visit: Visit, file: ModelFile) -> list[Tensor]:
    """What a T2I-Adapter sees in its map.

    Raises:
        EngineError: it was made for a UNet of another shape.
    """
    config, block = cast(Any, network).config, int(cast(Any, network).downscale_factor)
    pixels = hint.pixels(MASKED)
    if config.in_channels == 1:
        pixels = pixels.mean(1, keepdim=True)
    height, width = pixels.shape[-2:]
    whole = F.pad(pixels, (0, -width % block, 0, -height % block), mode="replicate")
    features: list[Tensor] = network(whole.to(visit.model.placement.device, visit.model.placement.dtype))
    widths = [int(width) for width in cast(Any, visit.model.unet.config).block_out_channels]
    # SDXL's has one more than the UNet has levels, for the middle.
    theirs = [feature.shape[1] for feature in features]
    if theirs not in (widths, [*widths, widths[-1]]):
        raise EngineError(_misfit(file, visit.model.checkpoint))
    return features


def _is_copy(network: nn.Module, unet: nn.Module) -> bool:
    """Whether a ControlNet has the levels and widths of the UNet that it is to steer."""
    theirs, own = cast(Any, unet).config, cast(Any, network).config
    same = ("layers_per_block", "cross_attention_dim", "addition_embed_type")
    return list(own.block_out_channels) == list(theirs.block_out_channels) and all(
        own.get(name) == theirs.get(name) for name in same
    )


def _misfit(file: ModelFile, checkpoint: ModelFile) -> str:
    what = "T2I-Adapter" if file.kind == "t2i-adapter" else "ControlNet"
    return (
        f'The {what} "{file.name}" was made for a UNet of another shape than that of "{checkpoint.name}". '
        "Choose one that was made for that."
    )
