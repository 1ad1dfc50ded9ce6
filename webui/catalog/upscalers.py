"""Names of upscalers: those that need no file, and the files in the model folders."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.catalog.naming import best_match
from webui.params import InvalidParamsError

NO_UPSCALER = "None"
WITHOUT_FILE = (NO_UPSCALER, "Lanczos", "Nearest")
LATENT = (
    "Latent",
    "Latent (antialiased)",
    "Latent (bicubic)",
    "Latent (bicubic antialiased)",
    "Latent (nearest)",
    "Latent (nearest-exact)",
)
"""What hires fix can enlarge before a picture is decoded."""
A1111 = {
    "r-esrgan 2x+": "RealESRGAN_x2plus",
    "r-esrgan 4x+": "RealESRGAN_x4plus",
    "r-esrgan 4x+ anime6b": "RealESRGAN_x4plus_anime_6B",
    "r-esrgan animevideo": "realesr-animevideov3",
    "r-esrgan general 4xv3": "realesr-general-x4v3",
    "r-esrgan general wdn 4xv3": "realesr-general-wdn-x4v3",
}
"""A1111's own names for well-known files, in lower case -> the files' names."""
SHOWN = 10


class Upscaler(NamedTuple):
    """What a name means: the name as it is shown, and the file, if it needs one."""

    name: str
    file: ModelFile | None = None


def upscalers(catalog: Catalog) -> list[Upscaler]:
    """All that can be used: those without a file first, then the files by name."""
    return [*map(Upscaler, WITHOUT_FILE), *_named(catalog.files("upscaler"))]


def _named(files: list[ModelFile]) -> list[Upscaler]:
    """The usable ones under their stems, or under their whole names where several have the same."""
    usable = [file for file in files if file.problem is None]
    taken = Counter([*(file.stem.lower() for file in usable), *map(str.lower, WITHOUT_FILE + LATENT)])
    return [Upscaler(file.stem if taken[file.stem.lower()] == 1 else file.name, file) for file in usable]


def upscaler_names(catalog: Catalog) -> list[str]:
    """The names of `upscalers`: what the page offers. A file's is its stem, as in A1111."""
    return [upscaler.name for upscaler in upscalers(catalog)]


def hires_upscaler_names(catalog: Catalog) -> list[str]:
    """What hires fix offers: the latent ones, too, and first."""
    return [*LATENT, *upscaler_names(catalog)]


def find_upscaler(catalog: Catalog, name: str, field: str = "upscaler") -> Upscaler:
    """The upscaler that `name` means, in any letter case; empty: "None".

    A file's name may be told with or without folders and ending, by its hash, or as A1111 calls it.

    Raises:
        InvalidParamsError: there is none, or its file can't be used. It names `field`.
    """
    files = catalog.files("upscaler")
    known = [*map(Upscaler, WITHOUT_FILE), *_named(files)]
    folded = (name or NO_UPSCALER).strip().lower()
    if found := next((each for each in known if each.name.lower() == folded), None):
        return found
    file = best_match(files, A1111.get(folded, name.strip()))
    if file is None:
        raise InvalidParamsError(field, _unknown(name, known))
    if file.problem:
        raise InvalidParamsError(field, file.problem)
    return next(each for each in known if each.file is file)


def find_hires_upscaler(catalog: Catalog, name: str, field: str = "hr_upscaler") -> Upscaler:
    """What enlarges between the passes of hires fix: as `find_upscaler`, or a latent one; empty: "Latent".

    Raises:
        InvalidParamsError: there is none, or its file can't be used. It names `field`.
    """
    folded = (name or LATENT[0]).strip().lower()
    latent = next((each for each in LATENT if each.lower() == folded), None)
    return Upscaler(latent) if latent else find_upscaler(catalog, name, field)


def _unknown(name: str, known: list[Upscaler]) -> str:
    names = [upscaler.name for upscaler in known]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (
        f'There is no upscaler "{name[:100]}". Found: {", ".join(names[:SHOWN])}{more}. '
        "Others go into models/ESRGAN."
    )
