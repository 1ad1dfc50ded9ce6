"""Well-known models under open licences, offered for download: `curated.json`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from webui.catalog.entry import Family, Kind

FILE = Path(__file__).with_name("curated.json")
REPOSITORY = r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$"


class CuratedModel(BaseModel):
    """One of them. `size` is about what is downloaded, in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    purpose: str = Field(min_length=1)
    """What it is good at, in one line."""
    kind: Kind
    family: Family
    size: int = Field(gt=0)
    licence: str = Field(min_length=1)
    licence_url: str = Field(pattern=r"^https://")
    repo: str = Field(pattern=REPOSITORY)
    """On the Hugging Face Hub."""
    file: str = ""
    """"": the whole repository, as a folder."""
    variant: str = ""
    save_as: str = ""
    """The name for the file here; "": its own."""

    @property
    def source(self) -> str:
        """What to give to Downloads.start."""
        return f"{self.repo}:{self.file}" if self.file else self.repo


def read_curated(file: Path = FILE) -> list[CuratedModel]:
    """The list.

    Raises:
        ValidationError: an entry isn't right.
    """
    return TypeAdapter(list[CuratedModel]).validate_json(file.read_bytes())
