"""Who may come in: the Host and Origin checks, the password, and each visitor's owner name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping
from functools import cache
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from itsdangerous import BadSignature, Signer
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.config import Config

COOKIE = "darkroom_owner"
CLIENT_HEADER = "darkroom-client"
OWNER = "darkroom.owner"
"""Where the owner's name stands in the ASGI scope."""
YEAR = 365 * 24 * 3600
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
OPEN_PATHS = ("/healthz",)

FOREIGN_NAME = "Darkroom is not known under this name. Open it by its address, or use --gradio-auth."
FOREIGN_PAGE = "This request comes from another site's page."


class Guard:
    """ASGI middleware in front of everything, page and API alike."""

    def __init__(self, app: ASGIApp, config: Config) -> None:
        self._app = app
        self._config = config
        self._passwords = {name: _digest(password) for name, password in config.users.items()}
        secret = read_secret(config.secret_file)
        self._signer = Signer(secret, salt="owner")
        # Browsers send a host's cookies to all its ports; two servers there keep theirs apart by the name.
        self._cookie = f"{COOKIE}_{hashlib.sha256(secret).hexdigest()[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with its owner's name in the scope."""
        if scope["type"] != "http":
            # Nothing here speaks any other protocol but "lifespan".
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        user = self._user(headers)
        if refusal := self._refusal(scope, headers, user):
            await refusal(scope, receive, send)
            return
        owner, cookie = self._owner(headers, user)
        scope[OWNER] = owner
        await self._app(scope, receive, _with_cookie(send, cookie, scope) if cookie else send)

    def _refusal(self, scope: Scope, headers: Headers, user: str | None) -> JSONResponse | None:
        if not self._host_is_ours(headers.get("host", "")):
            return _refuse(403, FOREIGN_NAME)
        if scope["method"] not in SAFE_METHODS and not _same_origin(headers):
            return _refuse(403, FOREIGN_PAGE)
        if self._passwords and scope["path"] not in OPEN_PATHS and user is None:
            return JSONResponse(
                {"detail": "Incorrect username or password"},
                401,
                {"WWW-Authenticate": 'Basic realm="Darkroom", charset="UTF-8"'},
            )
        return None

    def _host_is_ours(self, host: str) -> bool:
        """Without passwords, a foreign name in Host is a site that points its name here (DNS rebinding)."""
        if self._passwords:
            return True
        name = _host_name(host)
        if name in ("localhost", "127.0.0.1", "::1", self._config.server_name.lower()):
            return True
        if self._config.is_local or not name:
            return False
        return _is_lan_name(name) or (self._config.share and name.endswith(".gradio.live"))

    def _user(self, headers: Headers) -> str | None:
        """The user whose password the request carries; nobody is one where no passwords are set."""
        name, password = _basic_credentials(headers)
        known = self._passwords.get(name, b"")
        return name if hmac.compare_digest(_digest(password), known) else None

    def _owner(self, headers: Headers, user: str | None) -> tuple[str, str | None]:
        """(owner, a new cookie to set or None). A user outranks a named API client, and that a browser."""
        if user:
            return f"user:{user}", None
        if client := headers.get(CLIENT_HEADER, "").strip()[:100]:
            return f"client:{client}", None
        if owner := self._signed(_cookies(headers).get(self._cookie, "")):
            return f"browser:{owner}", None
        if "text/html" not in headers.get("accept", ""):
            return "client:api", None
        owner = secrets.token_urlsafe(16)
        return f"browser:{owner}", f"{self._cookie}={self._signer.sign(owner).decode()}"

    def _signed(self, cookie: str) -> str | None:
        try:
            return self._signer.unsign(cookie).decode()
        except BadSignature:
            return None


def owner_of(request: Request) -> str:
    """The owner's name that the guard settled for `request`."""
    return request.scope[OWNER]


def read_secret(file: Path) -> bytes:
    """The key kept in `file`; a new one the first time, readable by this user alone."""
    secret = file.read_bytes() if file.is_file() else b""
    if not secret:
        secret = secrets.token_hex(32).encode()
        file.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: an empty key, left by a full disk, would let everyone forge cookies.
        handle, unfinished = tempfile.mkstemp(dir=file.parent, prefix=file.name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(secret)
        Path(unfinished).replace(file)
    return secret


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()


def _refuse(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status)


def _same_origin(headers: Headers) -> bool:
    origin = headers.get("origin")
    if origin is None:
        return True
    # "null" is a page without an origin of its own: a sandboxed frame, a file.
    _, slashes, site = origin.partition("://")
    return bool(slashes) and site.lower() == headers.get("host", "").lower()


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_lan_name(name: str) -> bool:
    if "." not in name or name.endswith((".local", ".lan", ".home.arpa")):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == _own_name()
    return True


@cache
def _own_name() -> str:
    # Asking may take seconds where no name server answers.
    return socket.getfqdn().lower()


def _basic_credentials(headers: Headers) -> tuple[str, str]:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded).decode().partition(":")
    except ValueError:  # not base64, or not UTF-8 inside
        return "", ""
    return name, password


def _cookies(headers: Headers) -> Mapping[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _with_cookie(send: Send, cookie: str, scope: Scope) -> Send:
    secure = "; Secure" if scope.get("scheme") == "https" else ""

    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append(
                "set-cookie", f"{cookie}; Max-Age={YEAR}; Path=/; HttpOnly; SameSite=Lax{secure}"
            )
        await send(message)

    return send_with_cookie
