"""Where downloads may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from webui.catalog.downloads import civitai
from webui.catalog.downloads.addresses import Allow, nothing_else
from webui.catalog.downloads.fetch import PAUSES
from webui.catalog.downloads.hub import default_endpoint


@dataclass(frozen=True)
class Network:
    """Where downloads may go. `allow`: addresses that may be private or plain http; `pauses`: see Fetcher."""

    hub_endpoint: str = ""
    """"": HF_ENDPOINT's, else the Hugging Face Hub."""
    civitai_endpoint: str = civitai.ENDPOINT
    allow: Allow = nothing_else
    pauses: Sequence[float] = PAUSES

    @property
    def hub(self) -> str:
        """The Hub's address."""
        return self.hub_endpoint or default_endpoint()

    def allows(self, url: httpx.URL) -> bool:
        """Whether `url` may be asked as it is: a mirror of the Hub may lie in the own network."""
        mirror = httpx.URL(self.hub)
        return (url.scheme, url.host, url.port) == (mirror.scheme, mirror.host, mirror.port) or self.allow(
            url
        )
