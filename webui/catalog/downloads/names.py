"""File names: what a server suggests, made harmless for any disk."""

from __future__ import annotations

import re
import unicodedata
from email.message import Message
from pathlib import PurePosixPath

import httpx

from webui.catalog.downloads.model import DownloadError

SAFE = (".safetensors",)
PICKLES = (".ckpt", ".pt", ".pth", ".bin")
TOKENIZER = "tokenizer.json"
"""A tokenizer's only name, since that is what is looked for."""
MAX_BYTES = 200
UNUSABLE = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f]')
# Windows takes these for devices, with any extension.
RESERVED = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)
# Names that say nothing: on the Hub a thousand repositories use each.
GENERIC = ("diffusion_pytorch_model", "model", "pytorch_lora_weights", "pytorch_model", "learned_embeds")


def harmless(name: str) -> str:
    """`name` as one part of a path that any system takes: no folders, control characters or device names.

    Returns "" if nothing is left of it.
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    name = "".join(sign for sign in UNUSABLE.sub("", name) if unicodedata.category(sign) not in ("Cf", "Cs"))
    name = name.strip(". ")
    if RESERVED.match(name):
        name = f"_{name}"
    return _shortened(name)


def _shortened(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    if len(name.encode()) <= MAX_BYTES or len(suffix.encode()) > 20:
        return name.encode()[:MAX_BYTES].decode(errors="ignore")
    stem = name.removesuffix(suffix).encode()[: MAX_BYTES - len(suffix.encode())]
    return stem.decode(errors="ignore").strip(". ") + suffix


def suggested(response: httpx.Response) -> str:
    """The file name that an answer suggests: its Content-Disposition's, else its address's; "" for none.

    The header is RFC 6266's; `filename*` comes before `filename`.
    """
    message = Message()
    message["Content-Disposition"] = response.headers.get("content-disposition", "")
    named = harmless(message.get_filename() or "")
    for hop in (response, *response.history):
        named = named or harmless(hop.url.path)
    return named


def own_name(path: str, repository: str) -> str:
    """The name for the file `path` of a repository: the repository's, if its own says nothing."""
    name = PurePosixPath(path).name
    stem, _, rest = name.partition(".")
    return harmless(f"{PurePosixPath(repository).name}.{rest}" if stem in GENERIC else name)


def check_extension(name: str, allow_pickle: bool) -> None:
    """Refuse what isn't a model by its name.

    Raises:
        DownloadError: another extension, or a pickle that wasn't allowed.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in SAFE or (allow_pickle and suffix in PICKLES):
        return
    if suffix in PICKLES:
        raise DownloadError(
            f"{name} is a pickle, which can hold code: choose a .safetensors file, "
            "or allow pickles if you trust where it comes from."
        )
    raise DownloadError(f"{name} is not a model file: only {', '.join(SAFE + PICKLES)} are downloaded.")
