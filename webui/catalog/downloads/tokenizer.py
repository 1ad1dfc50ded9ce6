"""T5's tokenizer: the one download that is no model, a small file in Hugging Face tokenizers' format."""

from __future__ import annotations

from pathlib import Path

import httpx

from webui.catalog.downloads.arrivals import Report
from webui.catalog.downloads.content import is_web_page
from webui.catalog.downloads.model import DamagedError, DownloadError, readable
from webui.catalog.downloads.names import TOKENIZER

# T5's own and its descendants' have 1.4 to 2.5 MB.
MAX_BYTES = 16 * 2**20
START = ("<pad>", "</s>")
"""T5's pieces 0 and 1."""


class TokenizerArrival:
    """Watches one arrive in `folder`, whatever it is called elsewhere."""

    def __init__(self, report: Report, folder: Path) -> None:
        self._report = report
        self._folder = folder
        self.target: Path | None = None
        """Where the file is to lie, once it is known that the place is free."""

    def settle(self, _: str = "") -> Path:
        """Settle that it goes to its place.

        Raises:
            DownloadError: there is one already.
        """
        target = self._folder / TOKENIZER
        if target.exists():
            raise DownloadError(
                f"There is already a {TOKENIZER} in {self._folder}: delete it first to get another."
            )
        self.target = target
        self._report.named(TOKENIZER)
        return target

    def arrived(self, response: httpx.Response, start: bytes, total: int | None) -> None:
        """Check content, size and place."""
        host = response.url.host
        if is_web_page(start, response.headers.get("content-type", "")):
            raise DamagedError(f"{host} gave a web page, not a tokenizer: it may want a login or a token.")
        if not start.lstrip().startswith(b"{"):
            raise DamagedError(f"What {host} gave is not a {TOKENIZER}: it doesn't begin as one.")
        _check_small(total or 0)
        if not self.target:
            self.settle()

    def progressed(self, done: int, total: int | None) -> None:
        """Pass it on, as long as it is small."""
        _check_small(done)
        self._report.progressed(done, total)


def _check_small(size: int) -> None:
    if size > MAX_BYTES:
        raise DamagedError(
            f"That is no {TOKENIZER} of T5: it has {readable(size)} or more, where "
            f"{readable(MAX_BYTES)} are the most that one has."
        )


def check_tokenizer(file: Path, name: str) -> None:
    """Refuse a finished file that isn't T5's tokenizer: a Unigram model that begins with T5's pieces.

    The library tells what it is, not the JSON: the file that Google's T5 is published with names no type.

    Raises:
        DamagedError: it is something else, damaged or cut off.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise DamagedError(f"What came as {name} is no tokenizer ({error}): it was thrown away.") from error
    if not isinstance(tokenizer.model, Unigram) or [tokenizer.id_to_token(at) for at in (0, 1)] != [*START]:
        raise DamagedError(f"What came as {name} is another model's tokenizer, not T5's: it was thrown away.")
