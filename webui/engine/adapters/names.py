"""Which file a prompt means by a LoRA's name."""

from __future__ import annotations

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.catalog.headers import HeaderError, read_header
from webui.catalog.naming import best_match

ALIAS = "ss_output_name"
"""What a LoRA was called in training: A1111's prompts may name it by that."""


class LoraNames:
    """Finds LoRAs by file, by path or by the name that they were given in training."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._aliases: dict[tuple[str, float], str] = {}

    def find(self, name: str) -> ModelFile | None:
        """The LoRA that `name` means, in any letter case; usable ones come first. None: there is none."""
        files = self._catalog.files("lora")
        return best_match(files, name) or next(
            (file for file in files if not file.problem and self._alias(file) == name.lower()), None
        )

    def _alias(self, file: ModelFile) -> str:
        key = str(file.path), file.modified
        if key not in self._aliases:
            try:
                told = read_header(file.path).metadata.get(ALIAS, "")
            except (HeaderError, OSError):
                told = ""
            self._aliases[key] = told.lower()
        return self._aliases[key]
