"""ControlNet units: from what was asked for to what the engine is given."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from PIL import Image

from webui.catalog.catalog import Catalog
from webui.catalog.control_models import control_models, goes_with, steerable
from webui.catalog.entry import ModelFile
from webui.catalog.hashing import former_hash
from webui.catalog.image_encoders import encoder_needed, encoder_of
from webui.catalog.naming import best_match
from webui.engine.protocol import Control, Inputs, Order
from webui.imaging.colours import reduced
from webui.imaging.framing import framed
from webui.imaging.masks import flattened, inverted, mask_of_alpha
from webui.imaging.preprocessors.preprocessor import Preprocessor, Slider
from webui.imaging.preprocessors.table import MAX_MAP, Preprocessors, settled
from webui.jobs.pictures import Source, refused
from webui.params import GenerationParams, InvalidParamsError
from webui.params.control import NO_MODEL, ControlResize, ControlUnit

IP_ADAPTER = "IP-Adapter"
"""The control type of preprocessors that IP-Adapters go with."""
IP_MODULE = "ip-adapter_auto"
RESIZES: tuple[ControlResize, ...] = ("Just Resize", "Crop and Resize", "Resize and Fill", "Just Resize")
"""What the resize modes of img2img are called in units; enlarged latents lie as if they were stretched."""

Find = Callable[[str], Source]
"""Finds a picture by its name; raises a PictureError where it can't."""


class ControlUnits:
    """Settles units by what models and preprocessors there are, and opens their pictures."""

    def __init__(self, catalog: Catalog, preprocessors: Preprocessors) -> None:
        self._catalog = catalog
        self._preprocessors = preprocessors

    def settled(self, params: GenerationParams, checkpoint: ModelFile) -> tuple[ControlUnit, ...]:
        """The units with proper names and settled numbers; those that aren't enabled stay as they are.

        Raises:
            InvalidParamsError: one names what isn't there, can't be used or doesn't go with `checkpoint`, or
                has no picture; the text names the unit.
        """
        return tuple(
            self._settled(number, unit, params, checkpoint) if unit.enabled else unit
            for number, unit in enumerate(params.control)
        )

    def _settled(
        self, number: int, unit: ControlUnit, params: GenerationParams, checkpoint: ModelFile
    ) -> ControlUnit:
        with _of_unit(number):
            if not unit.image and not params.init_images:
                raise _refusal("there is no control image. Choose one, or switch the unit off")
            if problem := unit.misordered:
                raise InvalidParamsError("control", problem)
            preprocessor = self._preprocessors.usable(unit.module)
            model = None if preprocessor.steers else self._model(unit, preprocessor)
            if problem := goes_with(model, checkpoint) if model else steerable(checkpoint):
                raise InvalidParamsError("control", problem)
            if model and model.kind == "ip-adapter" and encoder_of(self._catalog, model) is None:
                raise InvalidParamsError("control", encoder_needed(model))
            preprocessor = self._suited(preprocessor, model)
        return unit.model_copy(
            update={
                "module": preprocessor.name,
                "model": model.name if model else NO_MODEL,
                "threshold_a": _number(preprocessor.threshold_a, unit.threshold_a),
                "threshold_b": _number(preprocessor.threshold_b, unit.threshold_b),
            }
        )

    def _model(self, unit: ControlUnit, preprocessor: Preprocessor) -> ModelFile:
        if not unit.model or unit.model.lower() == NO_MODEL.lower():
            raise _refusal(f'"{preprocessor.name}" steers nothing without a model. Choose one')
        known = control_models(self._catalog)
        found = best_match(known, unit.model)
        if found is None:
            usable = [model.name for model in known if model.problem is None]
            told = ", ".join(usable[:10]) + (f" and {len(usable) - 10} more" if len(usable) > 10 else "")
            raise _refusal(f'there is no model "{unit.model[:100]}". Found: {told or "none"}')
        return found

    def _suited(self, preprocessor: Preprocessor, model: ModelFile | None) -> Preprocessor:
        """The preprocessor, or for an IP-Adapter without one of its own the one that it always goes with."""
        if model is None:
            return preprocessor
        pictured = preprocessor.control_type == IP_ADAPTER
        if model.kind == "ip-adapter":
            return preprocessor if pictured else self._preprocessors.usable(IP_MODULE)
        if pictured:
            raise _refusal(
                f'"{preprocessor.name}" goes with IP-Adapters, and "{model.name}" is none. Choose another'
            )
        return preprocessor

    def opened(self, params: GenerationParams, inputs: Inputs, find: Find) -> tuple[Control, ...]:
        """The units of settled `params` that have a say, as the engine is given them.

        Raises:
            InvalidParamsError: a picture or model is gone, or a mask is missing; the text names the unit.
        """
        return tuple(
            self._opened(number, unit, params, inputs, find)
            for number, unit in enumerate(params.control)
            if unit.enabled
        )

    def _opened(
        self, number: int, unit: ControlUnit, params: GenerationParams, inputs: Inputs, find: Find
    ) -> Control:
        preprocessor = self._preprocessors.find(unit.module)
        with _of_unit(number), refused("control"):
            image = find(unit.image).read() if unit.image else inputs.image
            mask = find(unit.mask).read_mask() if unit.mask else None
            if image is None:
                raise _refusal("there is no control image. Choose one, or switch the unit off")
            if preprocessor.needs_mask and mask is None:
                mask = _to_change(unit, params, inputs, image)
                if mask is None and (unit.image or not params.masked):
                    raise _unmasked(preprocessor)
            model = None if unit.model == NO_MODEL else self._model(unit, preprocessor)
        if not unit.image:
            unit = unit.model_copy(update={"resize_mode": RESIZES[params.resize_mode]})
        # Of more pixels a map is never made, and ten units may each have brought very many.
        return Control(
            unit, reduced(image, MAX_MAP), model, reduced(mask, MAX_MAP) if mask else None, _told(model)
        )

    def finished(self, order: Order, drawn: Image.Image) -> Image.Image:
        """A picture of `order` with what its units' preprocessors bring back of their control images.

        Where only a part of a picture was drawn the rest is to stay to the byte, and so nothing is done.
        """
        if order.params.masked or (order.inputs.image and mask_of_alpha(order.inputs.image)):
            return drawn
        for control in order.controls:
            preprocessor = self._preprocessors.find(control.unit.module)
            if preprocessor.finish and not (order.params.hires and control.unit.hr_option == "Low res only"):
                image = framed(flattened(control.image), drawn.size, control.unit.resize_mode)
                options = settled(preprocessor, control.unit, control.image.size, drawn.size)
                drawn = preprocessor.finish(drawn, image, options)
        return drawn


def _to_change(
    unit: ControlUnit, params: GenerationParams, inputs: Inputs, image: Image.Image
) -> Image.Image | None:
    """The mask of a unit without one of its own: the transparent parts, or what img2img is to change."""
    own = mask_of_alpha(image) if unit.image else None
    if own is not None or inputs.mask is None:
        return own or mask_of_alpha(image)
    return inverted(inputs.mask) if params.inpainting_mask_invert else inputs.mask


def _told(model: ModelFile | None) -> str:
    """What infotexts call a model: "name [hash]", the hash that the ControlNet extension writes."""
    if model is None:
        return NO_MODEL
    digits = None if model.folder else former_hash(model.path)
    return f"{model.stem} [{digits}]" if digits else model.stem


def _number(slider: Slider | None, asked: float | None) -> float | None:
    return slider.settled(asked) if slider else None


def _refusal(reason: str) -> InvalidParamsError:
    return InvalidParamsError("control", f"{reason}.")


def _unmasked(preprocessor: Preprocessor) -> InvalidParamsError:
    return _refusal(f'"{preprocessor.name}" wants to know what is to change. Paint a mask')


@contextmanager
def _of_unit(number: int) -> Generator[None]:
    """Refusals begin with the unit's number, which counts from 0 as in infotexts."""
    try:
        yield
    except InvalidParamsError as error:
        raise InvalidParamsError("control", f"ControlNet unit {number}: {error}") from error
