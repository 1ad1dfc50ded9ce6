"""How far pictures keep to edges and to a style, for tests and for the numbers that READMEs tell.

`python -m tests.training.measures` measures the demo parts over 20 pictures each.
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from tests.conftest import Recorder
from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.catalog.folders import model_folders
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import DEMO, Config
from webui.engine.local import LocalEngine
from webui.engine.protocol import Control, Order
from webui.imaging.preprocessors.built_in import weightless
from webui.imaging.preprocessors.preprocessor import Options
from webui.params import GenerationParams
from webui.params.control import ControlUnit
from webui.settings import SettingsStore
from webui.training.demo import CANNY, STYLE, TRIGGER, cyanotype

NEAR = 2
"""Pixels that an edge may lie beside another and still be the same."""
GROUND = 24
"""By how much a colour differs from the ground's at least where something is shown."""
THINGS = (
    "panda", "red apple", "house", "sunflower", "cat face", "bus", "mushroom", "owl", "palm tree", "star",
    "fish", "doughnut", "umbrella", "pear", "rocket", "bell", "frog", "cupcake", "green heart", "robot",
)  # fmt: skip


def edges(image: Image.Image) -> np.ndarray:
    """Where canny with its usual thresholds finds edges."""
    found = weightless().find("canny").run(image, None, Options(image.height, 100, 200))
    return np.asarray(found)[..., 0] > 127


def agreement(map_edges: np.ndarray, found: np.ndarray) -> float:
    """F1 of two sets of edges, each within two pixels of the other's."""
    if not map_edges.any() or not found.any():
        return 0.0
    to_map = ndimage.distance_transform_edt(~map_edges)
    to_found = ndimage.distance_transform_edt(~found)
    precision, recall = (to_map[found] <= NEAR).mean(), (to_found[map_edges] <= NEAR).mean()
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def style_of(images) -> np.ndarray:
    """Statistics of what pictures show, their ground left out: 8 shares of edges and shading, 8 of colours.

    Edges and shading: how large the steps between neighbours are. Colours: how much redder than blue.
    """
    steps, colours = np.zeros(8), np.zeros(8)
    for image in images:
        rgb = np.asarray(image.convert("RGB")).astype(float)
        step = np.abs(np.diff(rgb, axis=0))[:, :-1].max(-1) + np.abs(np.diff(rgb, axis=1))[:-1].max(-1)
        shown = np.abs(rgb[:-1, :-1] - rgb[2, 2]).max(-1) > GROUND
        redness = (rgb[..., 0] - rgb[..., 2])[:-1, :-1]
        steps += np.histogram(step[shown], [0, 2, 4, 8, 16, 32, 64, 128, 511])[0]
        colours += np.histogram(redness[shown], np.linspace(-256, 256, 9))[0]
    return np.concatenate([steps / steps.sum(), colours / colours.sum()])


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Between two styles, from 0 to 1: of both histograms the share that lies elsewhere, and their mean."""
    return float(np.abs(one - other).sum() / 4)


class DemoParts:
    """Draws with the demo model and its parts, from the built-in folders."""

    def __init__(self, folder: Path):
        config = Config(data_dir=folder, models_dir=folder / "models", use_cpu=True)
        settings = SettingsStore(config.settings_file)
        settings.update({"precision": "fp32", "channels_last": "Off"})
        self.catalog = Catalog(model_folders(config), ModelIndex(), ModelSettingsStore())
        self._engine = LocalEngine(config, settings, self.catalog)
        self._demo = self.catalog.find(DEMO)

    def part(self, kind: str, name: str) -> ModelFile:
        return next(file for file in self.catalog.files(kind) if file.stem == name)

    def drawn(self, prompt: str, seed: int, *controls: Control, steps: int = 20) -> Image.Image:
        size = {"width": 128, "height": 128, "cfg_scale": 4.0, "sampler_name": "DPM++ 2M"}
        recorder = Recorder()
        params = GenerationParams(prompt=prompt, steps=steps, **size)
        self._engine.draw(Order(params, self._demo, seed, controls=controls), recorder)
        assert recorder.notices == []
        return recorder.pictures[0].image

    def agreements(self, things, steps: int = 20) -> tuple[float, float]:
        """The mean F1 without and with the ControlNet, its maps those of other, mirrored pictures."""
        file, without, steered = self.part("controlnet", CANNY), [], []
        for seed, thing in enumerate(things):
            prompt = f"{thing}, 3d style, white background"
            other = self.drawn(f"{thing}, flat style, white background", 100 + seed, steps=steps)
            source = ImageOps.mirror(other)
            wanted = edges(source)
            unit = ControlUnit(model=file.name, module="canny", pixel_perfect=True)
            without.append(agreement(wanted, edges(self.drawn(prompt, seed, steps=steps))))
            drawn = self.drawn(prompt, seed, Control(unit, source, file), steps=steps)
            steered.append(agreement(wanted, edges(drawn)))
        return float(np.mean(without)), float(np.mean(steered))

    def distances(self, things, steps: int = 20) -> tuple[float, float]:
        """How far pictures without and with the LoRA are from the style that it was trained on."""
        self.part("lora", STYLE)
        taught = [f"{thing}, 3d style, white background" for thing in things]
        asked = [f"{thing}, {TRIGGER}, white background" for thing in things]
        plain = [self.drawn(prompt, seed, steps=steps) for seed, prompt in enumerate(taught)]
        words = [self.drawn(prompt, seed, steps=steps) for seed, prompt in enumerate(asked)]
        tag = f"<lora:{STYLE}:1>"
        styled = [self.drawn(f"{prompt} {tag}", seed, steps=steps) for seed, prompt in enumerate(asked)]
        wanted = style_of([cyanotype(picture) for picture in plain])
        return distance(style_of(words), wanted), distance(style_of(styled), wanted)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        parts = DemoParts(Path(made))
        print("edges, F1 without and with the ControlNet:", *parts.agreements(THINGS))
        print("distance to the style without and with the LoRA:", *parts.distances(THINGS))
