"""Which of a repository's files are needed. Nothing here reads the network or a disk."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from webui.catalog.downloads.model import Candidate, DownloadError, readable
from webui.catalog.downloads.names import PICKLES, SAFE, TOKENIZER, harmless
from webui.catalog.downloads.sources import HubSource
from webui.catalog.entry import Kind

INDEX = "model_index.json"
# What lies beside weights and is read when a model is loaded: settings and tokenizers, never code.
BESIDE = (".json", ".txt", ".model", ".jinja")
# diffusers' and transformers' names: name[.variant][-00001-of-00002][.variant].safetensors
WEIGHTS = re.compile(
    r"(?P<base>diffusion_pytorch_model|model)"
    r"(?:\.(?P<variant>\w+))?(?P<shard>-\d+-of-\d+)?(?:\.(?P<late>\w+))?\.safetensors"
    r"(?P<index>\.index(?:\.(?P<indexed>\w+))?\.json)?"
)
SHARD = re.compile(r"-\d{5}-of-\d{5}")
PICKLED = re.compile(r"(diffusion_pytorch_model|pytorch_model)\b.*\.bin")
LISTED = 8


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its path there, its bytes, and its sha256 ("": the Hub doesn't tell)."""

    path: str
    size: int
    sha256: str = ""


@dataclass(frozen=True)
class FolderFile:
    """A file that belongs into a diffusers folder, and its path in there."""

    file: HubFile
    inside: str


def single_files(files: Iterable[HubFile], allow_pickle: bool, kind: Kind = "checkpoint") -> list[HubFile]:
    """The files that are a model each, weights in one of several pieces left out; those at the top first."""
    if kind == "tokenizer":
        found = [file for file in files if _name(file) == TOKENIZER]
    else:
        wanted = (*SAFE, *PICKLES) if allow_pickle else SAFE
        found = [file for file in files if file.path.lower().endswith(wanted) and not SHARD.search(file.path)]
    return sorted(found, key=lambda file: (file.path.count("/"), file.path.lower()))


def choose_file(source: HubSource, files: Sequence[HubFile], kind: Kind = "checkpoint") -> HubFile:
    """The one that `source` means, of its single files of that kind.

    Raises:
        DownloadError: none, or more than one; the sentence tells which there are.
    """
    pattern = source.pattern or "*"
    exact = [file for file in files if file.path == pattern]
    found = exact or [file for file in files if fnmatchcase(file.path, pattern)]
    if len(found) == 1:
        return found[0]
    listed = found or files
    if not listed:
        wanted = TOKENIZER if kind == "tokenizer" else ".safetensors file"
        raise DownloadError(f"{source.repo} holds no {wanted} to download.")
    told = ", ".join(f"{file.path} ({readable(file.size)})" for file in listed[:LISTED])
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    what = "several files" if found else f'no file "{pattern}"'
    raise DownloadError(
        f"{source.repo} holds {what}. "
        f"Choose one of them, as in {source.naming(listed[0].path)}: {told}{more}."
    )


def folder_files(
    repo: str, files: Iterable[HubFile], components: Collection[str], variant: str
) -> list[FolderFile]:
    """What a diffusers folder of those `components` needs, its weights of `variant` where there are such.

    Weights get their plain names, so that whoever loads the folder need not know of the variant.

    Raises:
        DownloadError: a component has no safetensors weights, or a file would lie outside the folder.
    """
    by_folder: dict[str, list[HubFile]] = {}
    for file in files:
        folder, _, name = file.path.rpartition("/")
        if folder in components or name == INDEX == file.path or _is_licence(file.path):
            by_folder.setdefault(folder, []).append(file)
    chosen: list[FolderFile] = []
    for folder, inside in by_folder.items():
        chosen += _component(repo, folder, inside, variant)
    for file in chosen:
        _check_path(repo, file.inside)
    return chosen


def _component(repo: str, folder: str, files: Sequence[HubFile], variant: str) -> list[FolderFile]:
    weights = {file: found for file in files if (found := WEIGHTS.fullmatch(_name(file)))}
    variants = {_variant(found) for found in weights.values()}
    if not weights and any(PICKLED.fullmatch(_name(file)) for file in files):
        raise DownloadError(
            f"{repo} has its {folder} only as a pickle, which can hold code: look for a repository "
            "with .safetensors files."
        )
    use = variant if variant in variants else "" if "" in variants else min(variants, default="")
    kept = [
        FolderFile(file, _plain(file, found)) for file, found in weights.items() if _variant(found) == use
    ]
    beside = [file for file in files if file not in weights and _is_beside(file)]
    return [*(FolderFile(file, file.path) for file in beside), *kept]


def variants(files: Iterable[HubFile], components: Collection[str]) -> list[str]:
    """The variants in which any of the components' weights come, the plain one ("") first."""
    found = {
        _variant(match)
        for file in files
        if file.path.rpartition("/")[0] in components and (match := WEIGHTS.fullmatch(_name(file)))
    }
    return sorted(name for name in found if name in ("", "fp16", "bf16", "fp32"))


def candidates(
    source: HubSource,
    files: Sequence[HubFile],
    components: Collection[str],
    allow_pickle: bool,
    kind: Kind = "checkpoint",
) -> list[Candidate]:
    """What the repository offers of that kind: as a folder in each variant, and its single files."""
    if kind == "tokenizer":
        components = ()  # a model's folder may hold it, but isn't wanted
    whole: list[Candidate] = []
    for variant in variants(files, components) if not source.pattern else ():
        needed = folder_files(source.repo, files, components, variant)
        size = sum(file.file.size for file in needed)
        whole.append(Candidate(source.naming(), "", True, variant, size))
    inside = tuple(f"{component}/" for component in components)
    singles = [
        Candidate(source.naming(file.path), file.path, size=file.size)
        for file in single_files(files, allow_pickle, kind)
        if not file.path.startswith(inside) and fnmatchcase(file.path, source.pattern or "*")
    ]
    return whole + singles


def _name(file: HubFile) -> str:
    return PurePosixPath(file.path).name


def _variant(weights: re.Match[str]) -> str:
    return weights["variant"] or weights["late"] or weights["indexed"] or ""


def _plain(file: HubFile, weights: re.Match[str]) -> str:
    """Its path without the variant. Pieces keep their names: the index beside them tells those."""
    if weights["shard"]:
        return file.path
    name = f"{weights['base']}.safetensors" + (".index.json" if weights["index"] else "")
    return str(PurePosixPath(file.path).with_name(name))


def _is_beside(file: HubFile) -> bool:
    name = _name(file)
    return (name.endswith(BESIDE) and not name.endswith(".bin.index.json")) or _is_licence(file.path)


def _is_licence(path: str) -> bool:
    return "/" not in path and path.upper().startswith("LICEN")


def _check_path(repo: str, path: str) -> None:
    if any(harmless(part) != part for part in path.split("/")):
        raise DownloadError(f"{repo} holds a file whose name can't be used here: {path}.")
