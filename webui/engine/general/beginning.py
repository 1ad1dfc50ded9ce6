"""What diffusers' pipelines begin with: a prompt alone, or a picture (img2img and inpainting)."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import diffusers
from PIL import Image

from webui.engine.general.call import Call, prepare
from webui.engine.general.kinds import Pipeline
from webui.engine.general.naming import FROM_PICTURES
from webui.engine.protocol import EngineError, Inputs
from webui.engine.sources import Scene, rounded
from webui.imaging.colours import corrected
from webui.imaging.masks import filled
from webui.params import GenerationParams

FILL, ORIGINAL = 0, 1
"""What may lie under the mask at the start, of A1111's four choices: these models know no others."""
NO_NOISE = (
    "This model knows no latent noise or latent nothing under the mask; it starts from the picture there."
)


@dataclass(frozen=True)
class FromText:
    """The pictures of an order that is drawn from its prompt alone."""

    pipeline: Pipeline
    notices: tuple[str, ...] = ()
    steps: int | None = None
    """How many steps will be made, where that aren't all of the schedule's."""
    together: bool = True
    """Whether pictures of one prompt are drawn in one call."""
    kept: Image.Image | None = None
    """What each picture is, where there is nothing to draw."""

    def call(self, params: GenerationParams) -> Call:
        """The call that draws; `params` are the order's with the picture's own prompts."""
        return prepare(self.pipeline, params)

    def finished(self, drawn: Image.Image) -> Image.Image:
        """What becomes of what was drawn."""
        return drawn


@dataclass(frozen=True)
class FromPicture:
    """How the pictures of an order start from one: the scene, and the pipeline that draws it."""

    scene: Scene
    pipeline: Pipeline
    params: GenerationParams

    @classmethod
    def of(cls, pipeline: Pipeline, inputs: Inputs, params: GenerationParams) -> FromPicture:
        """What `params` and `inputs` come to with the family of `pipeline`.

        Raises:
            EngineError: diffusers has no pipeline of this family that starts from pictures.
        """
        scene = Scene.of(inputs, params)
        return cls(scene, sibling(pipeline, masked=scene.mask is not None), params)

    @property
    def together(self) -> bool:
        """Never: not all of these pipelines take several generators with one picture."""
        return False

    @property
    def kept(self) -> Image.Image | None:
        """The picture, where nothing of it is to change."""
        unchanged = self.scene.unmasked or not self.params.denoising_strength
        return self.scene.picture if unchanged else None

    @property
    def steps(self) -> int:
        """How many steps will be made, of those of the schedule."""
        total = self._schedule
        return max(1, total - int(max(total - min(total * self._strength, total), 0)))

    @property
    def _schedule(self) -> int:
        exact = self.params.img2img_fix_steps
        return min(999, int(self.params.steps / self._strength)) if exact else self.params.steps

    @property
    def _strength(self) -> float:
        """Not so little that no step is left."""
        return max(self.params.denoising_strength, 1 / self.params.steps)

    @property
    def notices(self) -> tuple[str, ...]:
        """What couldn't be heeded."""
        odd = self.scene.mask is not None and self.params.inpainting_fill not in (FILL, ORIGINAL)
        return (NO_NOISE,) if odd else ()

    def call(self, params: GenerationParams) -> Call:
        """The call that draws the scene; `params` are the order's with the picture's own prompts."""
        drawn = dict(zip(("width", "height"), self.scene.drawn, strict=True))
        call = prepare(self.pipeline, params.model_copy(update={**drawn, "steps": self._schedule}))
        size = call.width, call.height
        own: dict[str, Any] = {"image": self._seen().resize(size), "strength": self._strength}
        mask = self.scene.seen_mask()
        if mask and "mask_image" in inspect.signature(type(self.pipeline).__call__).parameters:
            own["mask_image"] = rounded(mask).resize(size)
        return Call({**call.arguments, **own}, call.notices, *size)

    def finished(self, drawn: Image.Image) -> Image.Image:
        """What was drawn, at its place in the picture."""
        if drawn.size != self.scene.drawn:
            drawn = drawn.resize(self.scene.drawn, Image.Resampling.LANCZOS)
        if self.params.img2img_color_correction:
            drawn = corrected(drawn, self.scene.seen())
        return self.scene.put_back(drawn)

    def _seen(self) -> Image.Image:
        seen, mask = self.scene.seen(), self.scene.seen_mask()
        return filled(seen, mask) if mask and self.params.inpainting_fill == FILL else seen


Beginning = FromText | FromPicture


def beginning(pipeline: Pipeline, inputs: Inputs, params: GenerationParams) -> Beginning:
    """What an order begins with.

    Raises:
        EngineError: it starts from a picture, and diffusers has no pipeline of this family that does.
    """
    return FromPicture.of(pipeline, inputs, params) if inputs.image else FromText(pipeline)


def sibling(pipeline: Pipeline, *, masked: bool) -> Pipeline:
    """The pipeline of the same family that starts from a picture, made of the very networks of `pipeline`.

    Raises:
        EngineError: there is none.
    """
    names = FROM_PICTURES.get(type(pipeline).__name__)
    if names is None:
        raise EngineError("This model can't start from pictures: it draws from prompts only.")
    kind: Any = getattr(diffusers, names[1] if masked else names[0])
    # Not by `from_pipe`, which casts networks to 32 bits for good.
    takes = inspect.signature(kind.__init__).parameters
    parts = {name: part for name, part in pipeline.components.items() if name in takes}
    made = kind(**parts)
    if getattr(getattr(pipeline, "vae", None), "enable_slicing", None):
        made.vae.enable_slicing()
    return made
