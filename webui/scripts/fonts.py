"""Fonts for legends: the one that comes with Pillow, and where it lacks signs, one of the system's."""

from __future__ import annotations

from functools import cached_property

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

SYSTEM = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "segoeui.ttf", "arial.ttf", "Arial Unicode.ttf"),
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf"),
    *("msyh.ttc", "YuGothR.ttc", "malgun.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc", "AppleGothic.ttf"),
)
"""Pillow's own font knows Latin letters only: Linux's, Windows' and macOS' usual ones know the rest."""
UNKNOWN = "\uffff"  # a sign that no font has, so that the box for lacking signs is drawn
PROBE = 16


class Fonts:
    """Finds a font for a text. Those of the system are looked for when first one is needed."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, int], Font] = {}
        self._chosen: dict[str, str] = {}
        self._boxes: dict[str, bytes] = {}
        self._missing: dict[tuple[str, str], bool] = {}

    def of(self, text: str, size: int) -> Font:
        """The first font that has every sign of `text`, else the one that lacks fewest; `size` in pixels."""
        if text not in self._chosen:
            self._chosen[text] = self._best({sign for sign in text if not sign.isspace()})
        return self._font(self._chosen[text], size)

    def _best(self, signs: set[str]) -> str:
        least, best = len(signs) + 1, ""
        for name in ("", *(self._system if any(self._lacks("", sign) for sign in signs) else ())):
            lacking = sum(self._lacks(name, sign) for sign in signs)
            if lacking < least:
                least, best = lacking, name
        return best

    @cached_property
    def _system(self) -> list[str]:
        return [name for name in SYSTEM if self._is_there(name)]

    def _is_there(self, name: str) -> bool:
        try:
            self._font(name, PROBE)
        except OSError:
            return False
        return True

    def _font(self, name: str, size: int) -> Font:
        """The system's font of that name, or without name Pillow's own; read once."""
        if (name, size) not in self._loaded:
            font = ImageFont.truetype(name, size) if name else ImageFont.load_default(size)
            self._loaded[name, size] = font
        return self._loaded[name, size]

    def _lacks(self, name: str, sign: str) -> bool:
        if sign.isascii():
            return False
        if (name, sign) not in self._missing:
            font = self._font(name, PROBE)
            if name not in self._boxes:
                self._boxes[name] = _drawn(UNKNOWN, font)
            self._missing[name, sign] = _drawn(sign, font) == self._boxes[name]
        return self._missing[name, sign]


def _drawn(sign: str, font: Font) -> bytes:
    picture = Image.new("L", (2 * PROBE, 2 * PROBE))
    ImageDraw.Draw(picture).text((0, 0), sign, 255, font)
    return picture.tobytes()
