"""How much may be enclosed in one job: pictures that are all decoded before it is queued."""

from __future__ import annotations

from webui.imaging.files import picture_file
from webui.imaging.reading import MAX_PIXELS, PictureError

MAX_ENCLOSED = 500_000_000
"""Pixels, of all pictures in one job together. A few bytes may unpack to very many."""


class Allowance:
    """Counts the pixels of one job's pictures, as their files' heads tell them."""

    def __init__(self) -> None:
        self._left = MAX_ENCLOSED

    def take(self, data: bytes) -> None:
        """One more picture file is to be decoded.

        Raises:
            PictureError: with those before it, that is too much. What can't be read, or is too large by
                itself, is passed over: whoever reads it says so.
        """
        pixels = _pixels(data)
        self._left -= pixels if pixels <= MAX_PIXELS else 0
        if self._left < 0:
            raise PictureError(
                f"The pictures in this job have more than {MAX_ENCLOSED // 10**6} million pixels together. "
                "Upload them one by one, and name them by their ids."
            )


def _pixels(data: bytes) -> int:
    try:
        file = picture_file(data)
    except Exception:  # damaged files fail in every way there is
        return 0
    return file.width * file.height if file else 0
