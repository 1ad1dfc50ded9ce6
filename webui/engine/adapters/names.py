"""Which file a prompt means by a LoRA's name."""

from __future__ import annotations

from collections.abc import Sequence

from webui.catalog.entry import ModelFile
from webui.catalog.naming import best_match


def find_lora(files: Sequence[ModelFile], name: str) -> ModelFile | None:
    """The one of `files` that `name` means: by file, by path or by what it was called in training.

    In any letter case; usable ones come first. None: there is none.
    """
    wanted = name.lower()
    called = (file for file in files if not file.problem and wanted and file.identity.alias.lower() == wanted)
    return best_match(files, name) or next(called, None)
