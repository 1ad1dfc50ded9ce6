"""Config: what the command line decided, once, for the life of the server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).resolve().parent.parent
BUILT_IN_CHECKPOINTS = ROOT / "models" / "Stable-diffusion"
DEMO = "darkroom-demo"


class Config(BaseModel):
    """Where things lie, who may come in, and what the engine runs on."""

    model_config = ConfigDict(frozen=True)

    data_dir: Path = ROOT
    models_dir: Path = ROOT / "models"
    ckpt_dir: Path | None = None

    server_name: str = "127.0.0.1"
    port: int = 7860
    share: bool = False
    autolaunch: bool = False
    users: dict[str, str] = {}
    """User name -> password. Empty: nobody is asked."""

    device_id: int | None = None
    use_cpu: bool = False
    no_half: bool = False
    xformers: bool = False
    theme: Literal["auto", "dark", "light"] = "auto"

    @property
    def checkpoint_dirs(self) -> list[Path]:
        """The folders searched for checkpoints; last the embedded demo model's own."""
        own = [self.models_dir / "Stable-diffusion", *([self.ckpt_dir] if self.ckpt_dir else [])]
        return list(dict.fromkeys([*own, BUILT_IN_CHECKPOINTS / DEMO]))

    @property
    def outputs_dir(self) -> Path:
        """Where finished pictures are kept."""
        return self.data_dir / "outputs"

    @property
    def cache_dir(self) -> Path:
        """What can be made anew: fitted preview decoders."""
        return self.data_dir / "cache"

    @property
    def database(self) -> Path:
        """The SQLite file of the queue and of finished jobs."""
        return self.data_dir / "darkroom.sqlite3"

    @property
    def secret_file(self) -> Path:
        """The key that signs owners' cookies."""
        return self.data_dir / ".darkroom-secret"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.server_name in ("127.0.0.1", "::1", "localhost") and not self.share
