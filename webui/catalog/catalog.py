"""The catalog: every model file that the server knows, by kind and name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from webui.catalog.diffusers_folder import main_weights
from webui.catalog.entry import Kind, ModelFile, ModelSettings
from webui.catalog.folders import ModelFolder
from webui.catalog.hashing import key_of, sha256_of
from webui.catalog.index import Key, ModelIndex
from webui.catalog.library import Library, take_stock
from webui.catalog.model_settings import ModelSettingsStore
from webui.catalog.naming import SHORT_HASH, best_match
from webui.catalog.vae_choice import AUTOMATIC, OWN, choose_vae
from webui.params import GenerationParams, InvalidParamsError, message

SELDOM = 2.0
"""Seconds: for what happens often, the folders are looked at no more than so often."""
PATIENCE = 50
"""How many times as long as looking at them takes, which over a network may be seconds."""
HASHED_FIRST: tuple[Kind, ...] = ("checkpoint", "lora", "embedding", "vae")


class Catalog:
    """What lies in the model folders. Thread-safe: what is read is a snapshot that never changes."""

    def __init__(
        self, folders: Sequence[ModelFolder], index: ModelIndex, settings: ModelSettingsStore
    ) -> None:
        self._folders = list(folders)
        self._index = index
        self._settings = settings
        self._lock = threading.Lock()
        self._library = Library()
        self._taken = float("-inf")
        self._took = 0.0
        self.refresh()

    @classmethod
    def over(cls, folders: Sequence[Path], kind: Kind = "checkpoint") -> Catalog:
        """A catalog of `folders` for files of one kind that remembers nothing on disk."""
        return cls([ModelFolder(folder, (kind,)) for folder in folders], ModelIndex(), ModelSettingsStore())

    def refresh(self, older_than: float = 0.0) -> None:
        """Look at the folders again, unless that was done within the last `older_than` seconds."""
        with self._lock:
            if time.monotonic() - self._taken < older_than:
                return
            began = time.monotonic()
            self._library = take_stock(self._folders, self._index, self._settings, self._library)
            self._taken = time.monotonic()
            self._took = self._taken - began

    def keep_up(self) -> None:
        """Look at the folders again if that was done a while ago: the longer it takes, the more seldom."""
        self.refresh(older_than=max(SELDOM, self._took * PATIENCE))

    def files(self, kind: Kind | None = None) -> list[ModelFile]:
        """All of one kind (None: of every kind), the unusable ones too, by name.

        A file that can't be told, or that is another folder's, is among those of the folder it lies in.
        """
        return sorted(self._library.models(kind), key=lambda model: (model.name.lower(), model.name))

    def checkpoints(self) -> list[ModelFile]:
        """All checkpoints, the unusable ones too, by name."""
        return self.files("checkpoint")

    def vaes(self) -> list[ModelFile]:
        """All VAE files, the unusable ones too, by name."""
        return self.files("vae")

    def broken(self) -> list[ModelFile]:
        """Every file that can't be used where it lies; `problem` says why and the way out."""
        return [model for model in self.files() if model.problem]

    def default(self) -> ModelFile | None:
        """The checkpoint to begin with: the first usable one that isn't the built-in demo, else that.

        Those that draw from nothing but text, with nothing beside them, come before those for inpainting
        and refining and those that lack text encoders or VAE; one's own before other programs'.
        """
        usable = [model for model in self._library.models("checkpoint") if model.problem is None]
        return min(usable, key=self._reluctance, default=None)

    def _reluctance(self, model: ModelFile) -> tuple[bool, bool, int, str]:
        fallbacks = (folder.path for folder in self._folders if folder.fallback)
        last = any(model.path.is_relative_to(path) for path in fallbacks)
        identity = model.identity
        special = bool(identity.variant) or identity.family == "sdxl-refiner"
        lacking = not (model.folder or (identity.has_vae and identity.has_text_encoder))
        places = [folder.path for folder in self._folders]
        place = next((at for at, path in enumerate(places) if model.path.is_relative_to(path)), len(places))
        return last, special or lacking, place, model.name

    def get(self, name: str, kind: Kind = "checkpoint") -> ModelFile | None:
        """The file of exactly that name, usable or not."""
        return next((model for model in self._library.models(kind) if model.name == name), None)

    def find(self, name: str) -> ModelFile:
        """The usable checkpoint that `name` means; empty: the default one.

        In any letter case: its name, the same without ending or without folders, "name [hash]", the first
        ten digits of its sha256, or all of them.

        Raises:
            InvalidParamsError: there is none, or it can't be used.
        """
        if not name:
            return self._default_or_none_usable()
        model = best_match(self.checkpoints(), name)
        if model is None:
            raise InvalidParamsError("checkpoint", self._unknown(name))
        if model.problem:
            raise InvalidParamsError("checkpoint", model.problem)
        return model

    def _default_or_none_usable(self) -> ModelFile:
        if default := self.default():
            return default
        raise InvalidParamsError("checkpoint", f"There is no usable checkpoint in {self._checkpoint_folder}.")

    def _unknown(self, name: str) -> str:
        usable = [model.name for model in self.checkpoints() if model.problem is None]
        more = f" and {len(usable) - 10} more" if len(usable) > 10 else ""
        known = ", ".join(usable[:10]) + more if usable else "none"
        return f'There is no checkpoint "{name}". Found: {known}.'

    @property
    def _checkpoint_folder(self) -> Path | str:
        folders = (folder.path for folder in self._folders if "checkpoint" in folder.kinds)
        return next(folders, "the model folders")

    def find_vae(self, name: str, checkpoint: ModelFile) -> ModelFile | None:
        """The file that is to decode for `checkpoint`; None: its own VAE.

        "Automatic" is what has been set for the checkpoint, else the file called like it, else, for SD 3 and
        Flux without one, their family's; "None" its own.

        Raises:
            InvalidParamsError: there is no such VAE file, it can't be used or doesn't fit, or the checkpoint
                needs one.
        """
        own = str(checkpoint.defaults.get("vae", AUTOMATIC))
        if name.lower() == AUTOMATIC:
            name = own
        if name == own and own.lower() not in (AUTOMATIC, OWN) and best_match(self.vaes(), own) is None:
            told = f'"{checkpoint.name}" is set to decode with the VAE "{own}", which is gone'
            raise InvalidParamsError("vae", f"{told}. Choose another in its card in the Models tab.")
        return choose_vae(self.vaes(), name, checkpoint)

    def short_hash(self, model: ModelFile) -> str:
        """The first ten hex digits of the sha256, computed now where it isn't known yet.

        Raises:
            OSError: the file can't be read.
        """
        return self.sha256(model)[:SHORT_HASH]

    def sha256(self, model: ModelFile) -> str:
        """All of its hex digits, computed now where they aren't known yet.

        Raises:
            OSError: the file can't be read.
        """
        file = main_weights(model.path) if model.folder else model.path
        sha256 = self._index.sha256(key_of(file)) or self.hash_file(file)
        if sha256 is None:
            raise OSError(f"{file} changed while it was read")
        return sha256

    def hash_file(self, file: Path, go_on: Callable[[], bool] = lambda: True) -> str | None:
        """Compute the sha256 of a model's file and keep it; None: `go_on` said no, or the file changed.

        Raises:
            OSError: it can't be read.
        """
        key, sha256 = key_of(file), sha256_of(file, go_on)
        if sha256 and key == key_of(file):
            self._index.keep_sha256(key, sha256)
            with self._lock:
                self._library = self._library.with_sha256(key, sha256)
        return sha256

    def unhashed(self) -> list[tuple[Key, Path]]:
        """The files of usable models whose sha256 isn't known yet, checkpoints first."""
        missing = [
            (shelf.model.kind, shelf.weights)
            for shelf in self._library.shelves.values()
            if shelf.weights and shelf.model.problem is None and shelf.model.sha256 is None
        ]
        missing.sort(key=lambda pair: (*HASHED_FIRST, pair[0]).index(pair[0]))
        return [(key, Path(key.path)) for _, key in missing]

    def configure(self, name: str, settings: ModelSettings) -> ModelFile:
        """Keep what a person has set for the checkpoint `name`; the checkpoint as it is then.

        Raises:
            InvalidParamsError: there is no such checkpoint, or a default can't be used.
            OSError: the file of settings can't be written.
        """
        model = self.get(name)
        if model is None:
            raise InvalidParamsError("checkpoint", self._unknown(name))
        try:
            GenerationParams().completed({**model.defaults, **settings.defaults})
        except ValidationError as error:
            problem = error.errors()[0]
            field = str(problem["loc"][0]) if problem["loc"] else "width"
            raise InvalidParamsError(field, message(problem)) from error
        self._settings.put(name, settings)
        self.refresh()
        return self.get(name) or model
