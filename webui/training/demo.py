"""The demo model's parts that come with Darkroom: how its style LoRA and its canny ControlNet are made."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageOps

from webui.catalog.entry import ModelFile
from webui.engine.devices import Placement
from webui.engine.protocol import Order, Training, TrainingPicture
from webui.imaging.preprocessors.built_in import weightless
from webui.imaging.preprocessors.preprocessor import Options
from webui.imaging.resizing import LANCZOS
from webui.params import GenerationParams
from webui.params.training import TrainParams
from webui.training.control import ControlTraining, train_control
from webui.training.emoji import COLOURS, Emoji, emoji, on_ground
from webui.training.quiet import Quiet
from webui.training.trainer import train

SIDE = 128
STYLE, CANNY = "darkroom-cyanotype", "darkroom-canny"
TRIGGER = "cyanotype style"
INK, PAPER = (12, 44, 92), (240, 245, 248)
"""What is black and what is white in a cyanotype."""
HELD_OUT = 5
"""Every fifth thing is left out of the style's pictures, to see whether it is drawn in the style, too."""
GROUNDS = 8
"""In how many arrangements the ControlNet sees each emoji."""
RANK, HINT = 16, (16, 32, 64, 96)
SETS = ("noto", "fluent-emoji")
Say = Callable[[str], None]


def make_style(modules: Path, out: Path, demo: ModelFile, placement: Placement, say: Say) -> None:
    """Train the style LoRA on emoji printed as cyanotypes, into `out`.

    Raises:
        ImportError, OSError: as `emoji`.
        EngineError: it can't be trained.
    """
    shown = [one for number, one in enumerate(emoji(modules, SETS, things(demo), SIDE)) if number % HELD_OUT]
    pictures = _style_pictures(shown, out / "style")
    wanted = TrainParams(
        name=STYLE, dataset="style", trigger="", steps=300, batch_size=8, learning_rate=1e-3,
        lr_scheduler="Cosine", warmup=20, rank=4, alpha=4, resolution=SIDE, flip=True, sample_every=0,
    )  # fmt: skip
    order = Order(GenerationParams(train=wanted), demo, 0)
    result = out / "Lora" / f"{STYLE}.safetensors"
    train(Training(order, wanted, pictures, out / "style-run", result), placement, Quiet(say))


def make_canny(modules: Path, out: Path, demo: ModelFile, placement: Placement, say: Say) -> None:
    """Train the canny Control-LoRA on the icon sets that the demo model was taught, into `out`.

    Raises:
        ImportError, OSError: as `emoji`.
        EngineError: it can't be trained.
    """
    pictures = _canny_pictures(emoji(modules, SETS, things(demo), SIDE), out / "canny")
    wanted = TrainParams(
        name=CANNY, dataset="canny", steps=2000, batch_size=8, learning_rate=1e-3, lr_scheduler="Cosine",
        warmup=100, resolution=SIDE, caption_dropout=0.25, save_every=200,
    )  # fmt: skip
    result = out / "ControlNet" / f"{CANNY}.safetensors"
    training = ControlTraining(demo, wanted, pictures, random_canny, out / "canny-run", result, RANK, HINT)
    train_control(training, placement, say)


def things(demo: ModelFile) -> Sequence[str]:
    """What the demo model draws, as its card tells."""
    card = json.loads((demo.path / "darkroom.json").read_text(encoding="utf-8"))
    return card["words"]["things"]


def _style_pictures(shown: Sequence[Emoji], folder: Path) -> tuple[TrainingPicture, ...]:
    """Each emoji, printed, on white and on another ground."""
    chance = random.Random(1)
    found: list[TrainingPicture] = []
    for one in shown:
        for colour in ("white", chance.choice(list(COLOURS))):
            page = on_ground(one, colour, chance.uniform(0.85, 0.98))
            caption = f"{one.thing}, {TRIGGER}, {colour} background"
            found.append(_kept(cyanotype(page), folder, len(found), caption))
    return tuple(found)


def cyanotype(picture: Image.Image) -> Image.Image:
    """`picture` as the blue print of its brightness alone."""
    return ImageOps.colorize(picture.convert("L"), INK, PAPER)


def _canny_pictures(shown: Sequence[Emoji], folder: Path) -> tuple[TrainingPicture, ...]:
    """Each emoji in several places and sizes, three times on white."""
    chance = random.Random(1)
    found: list[TrainingPicture] = []
    for one in shown:
        for number in range(GROUNDS):
            colour = "white" if number < 3 else chance.choice(list(COLOURS)[1:])
            x, y = (0.5, 0.5) if number < 3 else (chance.random(), chance.random())
            scale = chance.uniform(0.8 if number < 3 else 0.6, 1)
            page = on_ground(one, colour, scale, x, y, mirrored=chance.random() < 0.4)
            caption = f"{one.thing}, {one.style} style, {colour} background"
            found.append(_kept(page, folder, len(found), caption))
    return tuple(found)


def _kept(page: Image.Image, folder: Path, number: int, caption: str) -> TrainingPicture:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{number:05}.png"
    page.save(file)
    file.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return TrainingPicture(file, caption)


def random_canny(file: Path, picture: Image.Image) -> Image.Image:
    """The edges of `picture` at thresholds that differ from file to file; for a quarter, of its enlargement.

    So a ControlNet gets to know maps that were made at other resolutions and with other settings.
    """
    chance = random.Random(file.name)
    low = chance.uniform(50, 150)
    high = low + chance.uniform(50, 100)
    side = picture.width
    scale = 2 if chance.random() < 0.25 else 1
    seen = picture.resize((side * scale, side * scale), LANCZOS)
    edges = weightless().find("canny").run(seen, None, Options(side * scale, low, high))
    return edges.resize((side, side), LANCZOS)
