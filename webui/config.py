"""Config: what the command line decided, once, for the life of the server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).resolve().parent.parent
BUILT_IN = ROOT / "models"
BUILT_IN_CHECKPOINTS = BUILT_IN / "Stable-diffusion"
DEMO = "darkroom-demo"


class Config(BaseModel):
    """Where things lie, who may come in, and what the engine runs on."""

    model_config = ConfigDict(frozen=True)

    data_dir: Path = ROOT
    models_dir: Path = ROOT / "models"
    ckpt_dir: Path | None = None
    vae_dir: Path | None = None
    a1111_home: Path | None = None
    """An installation of AUTOMATIC1111's web UI (or Forge, SD.Next) whose model folders are used too."""
    comfy_home: Path | None = None
    """An installation of ComfyUI whose model folders are used too."""
    extra_model_paths: Path | None = None
    """A file in ComfyUI's `extra_model_paths.yaml` format."""
    styles_files: tuple[Path, ...] = ()
    """Files of styles, their names perhaps with * and ?. Empty: `styles.csv` in the data folder."""
    wildcards_dir: Path | None = None
    """The folder of wildcards; None: `wildcards` in the data folder."""
    hashing: bool = True
    """Whether model files' sha256 are computed in the background."""

    server_name: str = "127.0.0.1"
    port: int = 7860
    share: bool = False
    autolaunch: bool = False
    users: dict[str, str] = {}
    """User name -> password. Empty: nobody is asked."""

    device_id: int | None = None
    use_cpu: bool = False
    no_half: bool = False
    no_half_vae: bool = False
    xformers: bool = False
    channels_last: bool = False
    memory_mode: Literal["Automatic", "Model offload", "Group offload"] = "Automatic"
    """What "Automatic" stands for in the settings: `--medvram` and `--lowvram`."""
    ram_budget: float | None = None
    """GiB of loaded models to keep in memory; None: chosen from what the machine has."""
    vram_budget: float | None = None
    """GiB of the GPU's memory to use; None: chosen from what the GPU has."""
    theme: Literal["auto", "dark", "light"] = "auto"

    @property
    def outputs_dir(self) -> Path:
        """Where finished pictures are kept."""
        return self.data_dir / "outputs"

    @property
    def inputs_dir(self) -> Path:
        """Where pictures that people bring are kept."""
        return self.data_dir / "inputs"

    @property
    def batch_dir(self) -> Path:
        """The only folder whose pictures, and whose folders', can be drawn from by name."""
        return self.data_dir / "batch"

    @property
    def datasets_dir(self) -> Path:
        """Where folders of pictures to train from are."""
        return self.data_dir / "datasets"

    @property
    def training_dir(self) -> Path:
        """What training runs need to go on, and how they went."""
        return self.data_dir / "training"

    @property
    def cache_dir(self) -> Path:
        """What can be made anew, or isn't kept: fitted preview decoders, thumbnails, live pictures."""
        return self.data_dir / "cache"

    @property
    def database(self) -> Path:
        """The SQLite file of the queue and of finished jobs."""
        return self.data_dir / "darkroom.sqlite3"

    @property
    def settings_file(self) -> Path:
        """What is set in the Settings tab."""
        return self.data_dir / "settings.json"

    @property
    def model_settings_file(self) -> Path:
        """What is set for single models in the Models tab."""
        return self.data_dir / "models.json"

    @property
    def secret_file(self) -> Path:
        """The key that signs owners' cookies."""
        return self.data_dir / ".darkroom-secret"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.server_name in ("127.0.0.1", "::1", "localhost") and not self.share
