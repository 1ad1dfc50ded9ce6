"""Where styles, wildcards and lists of tags lie: Darkroom's own, and those of A1111 and its extensions."""

from __future__ import annotations

from pathlib import Path

from webui.config import Config
from webui.prompting.book import PromptBook
from webui.prompting.styles_store import StyleStore
from webui.prompting.wildcards import Wildcards

STYLES = "styles.csv"
A1111_WILDCARDS = (
    "extensions/sd-dynamic-prompts/wildcards",
    "extensions/stable-diffusion-webui-wildcards/wildcards",
)
A1111_TAGS = "extensions/a1111-sd-webui-tagcomplete/tags"


def open_book(config: Config) -> PromptBook:
    """The styles and wildcards of this server. Those of an A1111 installation are only read."""
    home = config.a1111_home
    patterns = config.styles_files or (config.data_dir / STYLES,)
    styles = StyleStore(patterns, foreign=[home / STYLES] if home else [])
    return PromptBook(styles, Wildcards([_wildcards(config), *(home / at for at in A1111_WILDCARDS if home)]))


def _wildcards(config: Config) -> Path:
    return config.wildcards_dir or config.data_dir / "wildcards"


def tag_folders(config: Config) -> list[Path]:
    """The folders whose CSV files hold tags to complete."""
    home = config.a1111_home
    return [config.data_dir / "tags", *([home / A1111_TAGS] if home else [])]
