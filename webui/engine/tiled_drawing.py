"""SD upscale: a picture is enlarged, and drawn over in overlapping tiles, one after the other.

Only a tile is ever on the device; the whole is a Pillow image.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PIL import Image

from webui.catalog.upscalers import NO_UPSCALER
from webui.engine.conditioning import Interrupted
from webui.engine.passes import Tiles
from webui.engine.protocol import Inputs, Observer, Order, Picture
from webui.engine.studio import Helpers, Studio
from webui.engine.upscaling.texts import with_pairs
from webui.imaging.boxes import Box
from webui.imaging.masks import flattened
from webui.imaging.sizes import drawn_size
from webui.imaging.tiles import joined, tiles
from webui.imaging.views import View
from webui.infotext.key import number as spoken
from webui.params import GenerationParams
from webui.params.detailer import NO_DETAILER
from webui.params.scripts import SDUpscale

WHOLE: dict[str, Any] = {
    "n_iter": 1,
    "batch_size": 1,
    "mask": "",
    "inpaint_full_res": False,
    "detailer": NO_DETAILER,
    **dict.fromkeys(("outpaint_left", "outpaint_right", "outpaint_up", "outpaint_down"), 0),
}
"""The params of a tile: it is drawn by itself, and all of it, and in detail already."""
MASK_LEFT_OUT = "SD upscale draws over the whole picture, so that the mask was left out."


class TiledDrawing:
    """Draws the pictures of an order for SD upscale: one for each of its batches.

    What is finished of a picture is kept, so that drawing can go on after memory has run out.
    """

    def __init__(self, order: Order, script: SDUpscale) -> None:
        self._order = order
        self._script = script
        self._large: Image.Image | None = None
        self._made: list[Picture] = []
        """The tiles of the picture that is being drawn."""

    def draw(self, studio: Studio, observer: Observer, already: int, helpers: Helpers) -> None:
        """Draw the pictures after the first `already`, each from all its tiles.

        Raises:
            EngineError: as `Studio.draw`.
        """
        params = self._order.params
        if params.mask or any(params.outpaint):
            observer.notice(MASK_LEFT_OUT)
        for number in range(already, params.n_iter):
            picture = self._picture(number, studio, observer, helpers)
            self._made = []
            if picture:
                observer.picture(picture)
            if observer.interrupted():
                return

    def _picture(self, number: int, studio: Studio, observer: Observer, helpers: Helpers) -> Picture | None:
        """Picture `number`, from 0; None: it was interrupted or skipped."""
        try:
            large = self._large = self._large or self._enlarged(observer, helpers)
        except Interrupted:
            return None
        boxes = self._boxes(large)
        for place in range(len(self._made), len(boxes)):
            tile = _Tile(observer, number + 1, place, len(boxes))
            order = self._tile_order(number, place, large.crop(boxes[place]))
            view = View.of(boxes[place], large.size)
            studio.draw(replace(order, view=view), tile, 0, helpers)
            if tile.drawn is None:
                return None
            self._made.append(tile.drawn)
        whole = joined(large.size, zip(boxes, (tile.image for tile in self._made), strict=True))
        first = self._made[0]
        return Picture(whole, first.seed, self._told(first.infotext))

    def _enlarged(self, observer: Observer, helpers: Helpers) -> Image.Image:
        """The order's picture as large as it is to be; with the upscaler "None" it stays as it is."""
        assert self._order.inputs.image is not None
        image, script = flattened(self._order.inputs.image), self._script
        if script.upscaler.lower() in ("", NO_UPSCALER.lower()):
            return image
        observer.phase("enlarging")
        size = round(image.width * script.scale_factor), round(image.height * script.scale_factor)
        return helpers.enlarge(script.upscaler, image, *size, Tiles(observer, "enlarging"))

    def _boxes(self, image: Image.Image) -> list[Box]:
        tile = self._order.params.width, self._order.params.height
        return tiles(image.size, tile, min(self._script.overlap, min(tile) // 2))

    def _tile_order(self, number: int, place: int, image: Image.Image) -> Order:
        """What draws one tile. The seeds are A1111's, which draws a batch of tiles at once."""
        order, params = self._order, self._order.params
        batch, at = divmod(place, params.batch_size)
        return replace(
            order,
            params=params.model_copy(update=WHOLE | _sizes(params, image)),
            seed=order.seed + number + batch + (0 if params.subseed_strength else at),
            subseed=order.subseed + at,
            prompts=(order.prompt_of(number),),
            inputs=Inputs(image),
        )

    def _told(self, tile: str) -> str:
        """The infotext of the whole, from that of its first tile, which may be smaller than was asked for."""
        params = self._order.params
        resized = spoken(params.scale_by) if params.scale_by else None
        return with_pairs(tile, {"Size": f"{params.width}x{params.height}", "Resize by": resized})


def _sizes(params: GenerationParams, tile: Image.Image) -> dict[str, float]:
    """The params that have a tile come out in its size, which at the edge of a small picture may be any."""
    if tile.size == (params.width, params.height):
        return {"scale_by": 0.0}
    width, height = drawn_size(params.model_copy(update={"scale_by": 1.0}), tile.size)
    return {"scale_by": 1.0, "width": width, "height": height}


class _Tile:
    """Observes the drawing of one tile, and tells of it as a part of picture `iteration`."""

    def __init__(self, observer: Observer, iteration: int, place: int, count: int) -> None:
        self._observer = observer
        self._iteration = iteration
        self._place = place
        self._count = count
        self.drawn: Picture | None = None
        self.notice = observer.notice
        self.wants_preview = observer.wants_preview
        self.preview = observer.preview
        self.interrupted = observer.interrupted
        self.skipped = observer.skipped

    def phase(self, text: str) -> None:
        """What is done for this tile."""
        self._observer.phase(f"{text}, tile {self._place + 1} of {self._count}")

    def step(self, iteration: int, step: int, steps: int) -> None:  # noqa: ARG002
        """A step of this tile."""
        self._observer.step(self._iteration, self._place * steps + step, self._count * steps)

    def picture(self, picture: Picture) -> None:
        """The tile is finished."""
        self.drawn = picture
