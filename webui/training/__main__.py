"""Training from the command line: `python -m webui.training controlnet ...`. LoRAs: see the Train tab."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import ExifTags, Image, ImageOps

from webui.catalog.catalog import Catalog
from webui.catalog.folders import model_folders
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import BUILT_IN_CHECKPOINTS, DEMO, ROOT, Config
from webui.engine.forms import Forms
from webui.engine.protocol import EngineError, TrainingPicture
from webui.imaging.preprocessors.built_in import weightless
from webui.inputs.datasets import DatasetError, Datasets, caption_of
from webui.params import InvalidParamsError
from webui.params.control import ControlUnit
from webui.params.training import TrainParams
from webui.settings import SettingsStore
from webui.training import demo
from webui.training.buckets import Size
from webui.training.control import ControlTraining, Map, train_control

FIRST_TURNED = 5
"""EXIF's orientations from here on have width and height changed about."""
SKEW = 0.03
"""By how much the shape of a map may differ from its picture's, as is due to rounding."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; the exit status."""
    asked = _parser().parse_args(arguments)
    config = Config(data_dir=asked.data_dir, models_dir=asked.data_dir / "models", use_cpu=asked.use_cpu)
    try:
        (_control if asked.command == "controlnet" else _demo)(asked, config)
    except (EngineError, InvalidParamsError, DatasetError, ImportError, OSError) as error:
        print(f"It can't be trained: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m webui.training", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=ROOT, help="the data folder (Darkroom's own)")
    parser.add_argument("--use-cpu", action="store_true", help="train without the GPU")
    commands = parser.add_subparsers(dest="command", required=True)
    control = commands.add_parser("controlnet", help="a ControlNet or a Control-LoRA, from a dataset")
    control.add_argument("name", help="what the file is called")
    control.add_argument("dataset", help="a folder of pictures with captions in the data folder's datasets/")
    control.add_argument("--checkpoint", default="", help="what it is trained for (the default checkpoint)")
    control.add_argument("--maps", type=Path, help="a folder with a map of each picture, called like it")
    control.add_argument("--preprocessor", default="canny", help="makes the maps where there are none")
    control.add_argument("--rank", type=int, default=0, help="of a Control-LoRA; 0: a whole ControlNet")
    control.add_argument("--no-buckets", action="store_true", help="crop pictures and maps to squares")
    for field in ("steps", "batch_size", "resolution", "learning_rate", "warmup", "save_every", "seed"):
        info = TrainParams.model_fields[field]
        kind = float if field == "learning_rate" else int
        control.add_argument(f"--{field.replace('_', '-')}", type=kind, default=info.default, help=info.title)
    parts = commands.add_parser("demo", help="the demo model's style LoRA and canny ControlNet, anew")
    parts.add_argument("part", choices=("style", "canny"))
    parts.add_argument("--modules", type=Path, required=True, help="node_modules with the icon sets")
    parts.add_argument("--out", type=Path, required=True, help="where all of it goes")
    return parser


def _control(asked: argparse.Namespace, config: Config) -> None:
    settings = ModelSettingsStore(config.model_settings_file)
    checkpoint = Catalog(model_folders(config), ModelIndex(), settings).find(asked.checkpoint)
    files = Datasets(config.datasets_dir).files(asked.dataset)
    wanted = TrainParams(
        name=asked.name,
        dataset=asked.dataset,
        steps=asked.steps,
        batch_size=asked.batch_size,
        resolution=asked.resolution,
        learning_rate=asked.learning_rate,
        warmup=asked.warmup,
        save_every=asked.save_every,
        seed=asked.seed,
        buckets=not asked.no_buckets,
    )
    training = ControlTraining(
        checkpoint,
        wanted,
        [TrainingPicture(file, caption_of(file)) for file in files],
        given(asked.maps) if asked.maps else _preprocessed(asked.preprocessor),
        config.training_dir / asked.name,
        config.models_dir / "ControlNet" / f"{asked.name}.safetensors",
        asked.rank,
    )
    train_control(training, Forms(config, SettingsStore(config.settings_file)).placement, _say)
    print(f"It is in {training.result}.")


def _demo(asked: argparse.Namespace, config: Config) -> None:
    model = Catalog.over([BUILT_IN_CHECKPOINTS]).find(DEMO)
    placement = Forms(config, SettingsStore(config.settings_file)).placement
    make = demo.make_style if asked.part == "style" else demo.make_canny
    make(asked.modules, asked.out, model, placement, _say)


def given(folder: Path) -> Map:
    """Maps of whole pictures that lie in a folder, called like them; cropped as they are.

    What it gives back raises EngineError for a map of another shape, OSError for one that can't be read.
    """

    def found(file: Path, picture: Image.Image) -> Image.Image:
        with Image.open(folder / file.name) as image:
            whole = ImageOps.exif_transpose(image).convert("RGB")
        width, height = _upright_size(file)
        if abs(math.log(whole.width / whole.height * height / width)) > SKEW:
            raise EngineError(
                f"The map {file.name} is of another shape than its picture: {whole.width}x{whole.height} and "
                f"{width}x{height}. Make it of the whole picture."
            )
        return ImageOps.fit(whole, picture.size)

    return found


def _upright_size(file: Path) -> Size:
    """That of a picture whose pixels needn't be read for it."""
    with Image.open(file) as image:
        width, height = image.size
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= FIRST_TURNED
    return (height, width) if turned else (width, height)


def _preprocessed(name: str) -> Map:
    """Maps that a preprocessor makes, at the size that is trained with."""
    table = weightless()
    unit = ControlUnit(module=table.usable(name).name, pixel_perfect=True)

    def made(_: Path, picture: Image.Image) -> Image.Image:
        return table.maps(unit, picture, None, picture.size).resize(picture.size)

    return made


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
