"""Image prompts join a walk: pictures are looked at, and the UNet listens to them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPVisionModelWithProjection

from webui.catalog.catalog import Catalog
from webui.catalog.control_models import goes_with
from webui.catalog.image_encoders import encoder_needed, encoder_of
from webui.engine.company import Companion, Visit
from webui.engine.control.steering import Say
from webui.engine.control.taking_part import Admission, has_a_say, in_pass
from webui.engine.held import Form, Wanted
from webui.engine.image_prompts.influence import listeners
from webui.engine.image_prompts.listening import ImagePrompt, Listening, cross_attentions
from webui.engine.image_prompts.network import IPAdapter, read_adapter
from webui.engine.image_prompts.vision import read_vision, seen
from webui.engine.lending import Lend, wanted_beside
from webui.engine.model import Model
from webui.engine.protocol import Control, EngineError
from webui.imaging.framing import framed

Heard = Mapping[str, tuple[Tensor, Tensor]]

KEPT = 4
"""How many pictures' keys and values are kept: the passes and batches of an order look at the same."""


class ImagePrompts:
    """What looks at pictures for the UNet. For the drawing thread."""

    def __init__(self, catalog: Catalog, lend: Lend) -> None:
        self._catalog = catalog
        self._lend = lend
        self._known: dict[tuple[object, ...], Heard] = {}
        self._admission = Admission("The image prompt")

    @contextmanager
    def join(self, visit: Visit) -> Generator[Companion | None]:
        """The units with an IP-Adapter that have a say on the walk; see `company.Join`.

        Raises:
            EngineError: an adapter doesn't go with the model, or its image encoder is missing.
        """
        controls = [each for each in visit.batch.order.controls if self._takes_part(each, visit)]
        if not controls:
            yield None
            return
        visit.observer.phase("looking at the image prompt")
        prompts = [self._prompt(control, visit) for control in controls]
        visit.observer.phase("sampling")
        with Listening(visit.model.unet, prompts, visit.size) as listening:
            yield listening

    def _takes_part(self, control: Control, visit: Visit) -> bool:
        """Whether a unit is an IP-Adapter's, and has a say on this walk; raises as `Admission.admits`."""
        model = control.model
        if model is None or model.kind != "ip-adapter":
            return False
        if not has_a_say(control.unit) or not in_pass(control.unit, visit.batch):
            return False
        return self._admission.admits(visit, goes_with(model, visit.model.checkpoint))

    def _prompt(self, control: Control, visit: Visit) -> ImagePrompt:
        unit, model = control.unit, visit.model
        heard = self._heard(control, model)
        names = listeners(heard, model.family, unit.influence)
        return ImagePrompt(
            {name: heard[name] for name in names},
            unit.weight,
            Say(unit).now,
            _mask(control, visit),
        )

    @torch.inference_mode()
    def _heard(self, control: Control, model: Model) -> Heard:
        assert control.model is not None
        form, device = Form(model.placement.dtype), model.placement.device
        wanted = wanted_beside(control.model, "ip_adapter", read_adapter, form)
        picture = sha256(np.asarray(control.image).tobytes()).digest()
        encoder = self._encoder(control, form)
        key = (
            *(wanted.key, encoder and encoder.key, picture, control.image.size),
            *(model.checkpoint.path, device),
        )
        # Another thread may forget it all meanwhile.
        known = self._known
        if key in known:
            return known[key]
        found = self._looked(wanted, encoder, control, model)
        self._known = {**dict([*known.items()][1 - KEPT :]), key: found}
        return found

    def forget(self) -> None:
        """Let go of what is kept of pictures; for any thread."""
        self._known = {}

    def _looked(self, wanted: Wanted, looks: Wanted | None, control: Control, model: Model) -> Heard:
        """`looks`: the image encoder; None: there is none."""
        with self._lend(wanted) as network:
            adapter = cast(IPAdapter, network)
            names = _fitting(adapter, control, model)
            if looks is None:
                assert control.model is not None
                raise EngineError(encoder_needed(control.model))
            with self._lend(looks) as encoder:
                both = seen(cast(CLIPVisionModelWithProjection, encoder), control.image, adapter.sight)
            return dict(zip(names, adapter(both), strict=True))

    def _encoder(self, control: Control, form: Form) -> Wanted | None:
        """The image encoder that gives what the adapter takes; None: there is none."""
        assert control.model is not None
        file = encoder_of(self._catalog, control.model)
        return wanted_beside(file, "image_encoder", read_vision, form) if file else None


def _fitting(adapter: IPAdapter, control: Control, model: Model) -> list[str]:
    """The names of the model's cross-attentions, each of which finds its matrices in the adapter.

    Raises:
        EngineError: they are others than the adapter was trained for.
    """
    layers = cross_attentions(model.unet)
    shapes = [tuple(cast(nn.Linear, layer.to_k).weight.shape) for layer in layers.values()]
    if shapes != [tuple(key.shape) for key in adapter.keys]:
        assert control.model is not None
        raise EngineError(
            f'The IP-Adapter "{control.model.name}" is made for a model with other layers than '
            f"{model.checkpoint.name}. Choose another of the two."
        )
    return list(layers)


def _mask(control: Control, visit: Visit) -> Tensor | None:
    """Where the unit has a say, as far as it is drawn now, shape (height, width) of the latents."""
    if control.mask is None:
        return None
    height, width = (side * visit.model.scale for side in visit.size)
    mask = framed(
        control.mask.convert("L"), (width, height), control.unit.resize_mode, visit.batch.order.view
    )
    greys = torch.from_numpy(np.asarray(mask, np.float32) / 255)[None]
    placement = visit.model.placement
    return F.adaptive_avg_pool2d(greys, visit.size)[0].to(placement.device, placement.dtype)
