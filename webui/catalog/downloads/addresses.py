"""Which servers may be asked: public ones over https, checked at every hop.

A server that fetches addresses for others must not be led into its own network. Every request, redirects
too, goes through `CheckedTransport`: it resolves the host once, refuses unless all of its addresses are
public, and connects to the very address it checked, so that a second answer of the name server (DNS
rebinding) changes nothing. TLS is verified against the host's name as ever.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

import httpx

from webui.catalog.downloads.model import DownloadError

Allow = Callable[[httpx.URL], bool]
"""Says of which addresses no more is asked: they may be private, and plain http."""
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) -> its IP addresses, the best first. Raises OSError."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")


class ForbiddenAddressError(DownloadError):
    """An address that may not be asked."""


def nothing_else(_: httpx.URL) -> bool:
    """The usual `Allow`: no exceptions."""
    return False


async def resolve(host: str, port: int) -> list[str]:
    """What the system's resolver answers."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet, by IANA's registries of special addresses.

    An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) counts as itself.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if inner := ip.ipv4_mapped or ip.sixtofour:
            return is_public(str(inner))
        if ip in NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)))
        if ip.teredo or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


class CheckedTransport(httpx.AsyncBaseTransport):
    """Sends requests to public addresses alone, and to those that `allow` lets through."""

    def __init__(self, allow: Allow = nothing_else, resolve: Resolve = resolve) -> None:
        self._allow = allow
        self._resolve = resolve
        # Connections are told apart by address here, and TLS by name: none may serve a second request.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            ForbiddenAddressError: it isn't https, or the host has an address that isn't public.
            httpx.TransportError: the server can't be reached.
        """
        if self._allow(request.url):
            return await self._inner.handle_async_request(request)
        if request.url.scheme != "https":
            raise ForbiddenAddressError(
                f"{request.url.host or 'The address'} can't be asked over "
                f"{request.url.scheme or 'no protocol'}: only https addresses are downloaded from."
            )
        return await self._send(request, await self._public_addresses(request))

    async def _public_addresses(self, request: httpx.Request) -> list[str]:
        host = request.url.host
        try:
            addresses = await self._resolve(host, request.url.port or 443)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError("no name server knows it", request=request) from error
        if not addresses or not all(map(is_public, addresses)):
            raise ForbiddenAddressError(
                f"{host} is not on the public internet, and models are only downloaded from there: "
                "copy the file into the model folder instead."
            )
        return addresses

    async def _send(self, request: httpx.Request, addresses: list[str]) -> httpx.Response:
        """To the first of `addresses` that answers."""
        for address in addresses:
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": request.url.host},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise httpx.ConnectError("it has no address", request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()
