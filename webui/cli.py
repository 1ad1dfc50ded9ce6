"""The command line: A1111's flags where they exist -> Config."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from webui import __version__
from webui.catalog.folders import FolderError, model_folders
from webui.config import ROOT, Config


class UsageError(Exception):
    """Flags that don't go together; the text says the way out."""


def build_parser() -> argparse.ArgumentParser:
    """The parser, its flags grouped as `--help` shows them."""
    description = f"Darkroom {__version__}: a Stable Diffusion web UI."
    # The launcher prints its own usage and options before these.
    parser = argparse.ArgumentParser(
        prog="launch.py",
        usage=argparse.SUPPRESS,
        description=description,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    _add_server_flags(parser)
    _add_folder_flags(parser)
    _add_engine_flags(parser)
    _add_page_flags(parser)
    return parser


def _add_server_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("server")
    group.add_argument("--listen", action="store_true", help="serve the whole network (wants --gradio-auth)")
    group.add_argument("--server-name", metavar="ADDRESS", help="serve on this address only")
    group.add_argument("--port", type=_port, default=7860, help="default: %(default)s")
    group.add_argument("--share", action="store_true", help="a public address through gradio's relay")
    group.add_argument(
        "--gradio-auth", metavar="USER:PASSWORD,...", help="who may come in, page and API alike"
    )
    group.add_argument(
        "--gradio-auth-path", type=Path, metavar="FILE", help="the same from a file, one a line"
    )
    group.add_argument(
        "--no-auth", action="store_true", help="let everyone in, even with --listen or --share"
    )


def _add_folder_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("folders")
    group.add_argument("--data-dir", type=Path, default=ROOT, help="outputs, queue and cache; default: here")
    group.add_argument("--models-dir", type=Path, help="default: models/ in the data folder")
    group.add_argument("--ckpt-dir", type=Path, help="one more folder of checkpoints")
    group.add_argument("--vae-dir", type=Path, help="one more folder of VAEs")
    group.add_argument(
        "--a1111-home", type=Path, metavar="DIR", help="use the models of A1111, Forge or SD.Next"
    )
    group.add_argument("--comfy-home", type=Path, metavar="DIR", help="use the models of ComfyUI")
    group.add_argument(
        "--extra-model-paths", type=Path, metavar="FILE", help="ComfyUI's extra_model_paths.yaml"
    )
    group.add_argument(
        "--styles-file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="styles.csv; several by repeating this or with * and ?",
    )
    group.add_argument(
        "--wildcards-dir", type=Path, metavar="DIR", help="default: wildcards/ in the data folder"
    )
    group.add_argument(
        "--no-hashing", action="store_true", help="don't compute models' sha256 in the background"
    )


def _add_engine_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("engine")
    group.add_argument("--device-id", type=int, metavar="N", help="which CUDA GPU to use")
    group.add_argument("--use-cpu", nargs="*", metavar="all", help="don't use the GPU")
    group.add_argument("--no-half", action="store_true", help="compute in 32 bits on the GPU too")
    group.add_argument("--no-half-vae", action="store_true", help="decode in 32 bits on the GPU too")
    group.add_argument("--ram-budget", type=_gigabytes, metavar="GB", help="memory for loaded models")
    group.add_argument("--vram-budget", type=_gigabytes, metavar="GB", help="the GPU's memory to use")
    group.add_argument(
        "--medvram", action="store_true", help="keep only the part that works on the GPU (model offload)"
    )
    group.add_argument(
        "--lowvram", action="store_true", help="keep only a few layers on the GPU (group offload)"
    )
    group.add_argument("--opt-channelslast", action="store_true", help="weights in channels-last order")
    group.add_argument("--xformers", action="store_true", help="xformers attention, where it works")


def _add_page_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("page")
    group.add_argument(
        "--theme", choices=["auto", "dark", "light"], default="auto", help="the page's colours"
    )
    group.add_argument(
        "--autolaunch", action="store_true", help="open the page in the browser once it is served"
    )


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f'"{text}" is not a port; take one from 1 to 65535')
    return int(text)


def _gigabytes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f'"{text}" is not a size; take a number of gigabytes, e.g. 7.5')
    return value


def parse(arguments: Sequence[str]) -> Config:
    """The Config that `arguments` ask for; exits with a sentence (status 2) where they make no sense."""
    parser = build_parser()
    flags = parser.parse_args(arguments)
    try:
        return _config(flags)
    except UsageError as error:
        parser.error(str(error))


def _config(flags: argparse.Namespace) -> Config:
    data_dir: Path = flags.data_dir.expanduser().resolve()
    config = Config(
        data_dir=data_dir,
        models_dir=(flags.models_dir or data_dir / "models").expanduser().resolve(),
        ckpt_dir=_whole(flags.ckpt_dir),
        vae_dir=_whole(flags.vae_dir),
        a1111_home=_whole(flags.a1111_home),
        comfy_home=_whole(flags.comfy_home),
        extra_model_paths=_whole(flags.extra_model_paths),
        styles_files=tuple(path for path in map(_whole, flags.styles_file) if path),
        wildcards_dir=_whole(flags.wildcards_dir),
        hashing=not flags.no_hashing,
        server_name=flags.server_name or ("0.0.0.0" if flags.listen else "127.0.0.1"),
        port=flags.port,
        share=flags.share,
        autolaunch=flags.autolaunch,
        users=_users(flags.gradio_auth, flags.gradio_auth_path),
        device_id=flags.device_id,
        use_cpu=flags.use_cpu is not None,
        no_half=flags.no_half,
        no_half_vae=flags.no_half_vae,
        ram_budget=flags.ram_budget,
        vram_budget=flags.vram_budget,
        xformers=flags.xformers,
        channels_last=flags.opt_channelslast,
        memory_mode="Group offload" if flags.lowvram else "Model offload" if flags.medvram else "Automatic",
        theme=flags.theme,
    )
    _check_folders(config)
    if not (config.is_local or config.users or flags.no_auth):
        raise UsageError(
            "others could reach Darkroom with these flags: add --gradio-auth USER:PASSWORD, "
            "or --no-auth if everyone who can reach it may use it"
        )
    return config


def _check_folders(config: Config) -> None:
    try:
        model_folders(config)
    except FolderError as error:
        raise UsageError(str(error)) from error


def _whole(path: Path | None) -> Path | None:
    return path.expanduser().resolve() if path else None


def _users(pairs: str | None, file: Path | None) -> dict[str, str]:
    entries = pairs.split(",") if pairs else []
    if file:
        try:
            entries += file.read_text(encoding="utf-8").replace(",", "\n").splitlines()
        except OSError as error:
            raise UsageError(f"--gradio-auth-path: can't read {file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"--gradio-auth-path: {file} is not UTF-8 text") from error
    users: dict[str, str] = {}
    for entry in filter(None, map(str.strip, entries)):
        name, colon, password = entry.partition(":")
        if not (name and colon and password):
            raise UsageError("--gradio-auth takes USER:PASSWORD, several with commas between them")
        users[name] = password
    return users
