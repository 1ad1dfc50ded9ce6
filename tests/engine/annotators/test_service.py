"""Preprocessors that need files: found where they lie, run, let go; and what is said where they aren't."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from transformers import DPTImageProcessor

from tests.engine.annotators import tiny
from tests.engine.annotators.test_networks import made_up, values
from webui.catalog.catalog import Catalog
from webui.catalog.folders import model_folders
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import Config
from webui.engine.annotators import service as module
from webui.engine.annotators.ade20k import COLOURS
from webui.engine.annotators.line_drawing import LineDrawing
from webui.engine.annotators.service import Annotators
from webui.engine.annotators.soft_edges import SoftEdges
from webui.engine.annotators.table import ENTRIES, NetworkPlugin
from webui.engine.local import LocalEngine
from webui.engine.protocol import Resident
from webui.params import InvalidParamsError
from webui.params.control import ControlUnit
from webui.plugins.manager import plugin_manager, preprocessors_of
from webui.settings import SettingsStore

CPU = torch.device("cpu")
FOLDERS = {"depth_anything_v2": "depth_anything", "depth_midas": "dpt", "depth_zoe": "zoedepth"}


class Bench:
    """A folder of models, and what is made with them."""

    def __init__(self, home, seconds=0.0):
        self.home = home / "models" / "annotators"
        self.home.mkdir(parents=True)
        self.config = Config(data_dir=home, models_dir=home / "models", use_cpu=True)
        self.catalog = Catalog(model_folders(self.config), ModelIndex(), ModelSettingsStore())
        self.annotators = Annotators(self.catalog, lambda: CPU, lambda: seconds)
        self.table = preprocessors_of(plugin_manager([NetworkPlugin(self.annotators)]))

    def has(self, name, kind, seed=0):
        network = tiny.write_folder(self.home / name, kind, seed)
        self.catalog.refresh()
        return network

    def map(self, module, image=None, **unit):
        asked = ControlUnit(module=module, processor_res=64, **unit)
        return self.table.maps(asked, image or made_up((96, 64)), None, (96, 64))

    @property
    def loaded(self):
        return len(self.annotators._held)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def refusal(bench, module):
    with pytest.raises(InvalidParamsError) as caught:
        bench.map(module)
    assert caught.value.field == "control"
    return str(caught.value)


def test_what_is_missing_is_said_and_where_it_goes(bench):
    for preprocessor in bench.table.all():
        told = preprocessor.missing()
        assert told.startswith(preprocessor.title)
        assert told.endswith(".")
        assert ("models/annotators" in told) != ("controlnet-aux" in told)
    assert "ControlNetHED.pth" in refusal(bench, "softedge_hed")
    assert "depth-anything/Depth-Anything-V2-Small-hf" in refusal(bench, "depth_anything_v2")


def test_names_are_a1111s_and_each_is_there_once(bench):
    names = [name for entry in ENTRIES for name in (entry.name, *entry.aliases)]
    assert len(set(names)) == len(names)
    assert bench.table.find("seg_ofade20k").name == "seg_ade20k"


@pytest.mark.parametrize(("name", "kind"), FOLDERS.items())
def test_depth(bench, name, kind):
    bench.has("some depth", kind)
    assert bench.table.find(name).missing() is None
    found = values(bench.map(name))
    assert found.shape == (64, 96)
    assert (found.min(), found.max()) == (0, 255)
    assert set(FOLDERS) - {one.name for one in bench.table.all() if one.missing()} == {name}


def test_depth_is_what_transformers_own_processor_and_network_give(bench):
    network = bench.has("midas", "dpt")
    image = made_up((96, 64))
    processor = DPTImageProcessor(
        size={"height": 64, "width": 64}, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=3
    )
    with torch.inference_mode():
        depth = network(**processor(image, return_tensors="pt")).predicted_depth
    depth = torch.nn.functional.interpolate(depth[None], (64, 96), mode="bicubic")[0, 0]
    expected = 255 * (depth - depth.min()) / (depth.max() - depth.min())
    assert abs(values(bench.map("depth_midas", image)) - expected.numpy()).max() < 3


def test_normals_of_depth(bench):
    bench.has("midas", "dpt")
    found = np.asarray(bench.map("normal_midas", threshold_a=0.0)).astype(float) / 127.5 - 1
    assert found.shape == (64, 96, 3)
    assert abs(np.linalg.norm(found, axis=-1) - 1).max() < 0.02
    assert bench.map("normal_midas", threshold_a=1.0).getcolors() == [(64 * 96, (128, 128, 255))]


@pytest.mark.parametrize("kind", ["segformer", "upernet"])
def test_segments_are_in_the_colours_of_ade20k(bench, kind):
    bench.has("things", kind)
    found = bench.map("seg_ade20k")
    assert found.size == (96, 64)
    assert {colour for _, colour in found.getcolors()} <= set(COLOURS)
    assert len(COLOURS) == 150
    assert len(set(COLOURS)) == 149  # two kinds share one, as in everyone's palette


def test_files_are_found_by_name_in_any_folder_and_share_a_network(bench):
    tiny.write_random(bench.home / "hed" / "ControlNetHED.pth", SoftEdges())
    bench.catalog.refresh()
    soft, safe, scribble = (bench.map(name) for name in ("softedge_hed", "softedge_hedsafe", "scribble_hed"))
    assert bench.loaded == 1
    assert len({image.tobytes() for image in (soft, safe, scribble)}) == 3
    assert bench.map("hed").tobytes() == soft.tobytes()


def test_the_extensions_own_folder_is_searched(tmp_path):
    home = tmp_path / "a1111"
    (home / "models").mkdir(parents=True)
    there = (
        home / "extensions" / "sd-webui-controlnet" / "annotator" / "downloads" / "lineart" / "sk_model.pth"
    )
    tiny.write_random(there, LineDrawing())
    config = Config(data_dir=tmp_path, models_dir=tmp_path / "models", a1111_home=home)
    catalog = Catalog(model_folders(config), ModelIndex(), ModelSettingsStore())
    plugin = NetworkPlugin(Annotators(catalog, lambda: CPU, lambda: 0.0))
    assert preprocessors_of(plugin_manager([plugin])).find("lineart_realistic").missing() is None


@pytest.mark.parametrize("size", [(1, 1), (3, 30), (30, 3)])
def test_pictures_of_any_size(bench, size):
    tiny.write_random(bench.home / "sk_model.pth", LineDrawing())
    bench.has("depth", "depth_anything")
    image = made_up(size)
    for name in ("lineart_realistic", "depth_anything_v2"):
        found = bench.map(name, image)
        assert found.mode == "RGB"
        assert abs(found.width / found.height / (size[0] / size[1]) - 1) < 0.05


def test_only_a_few_stay_loaded_and_all_go_when_idle(tmp_path):
    bench = Bench(tmp_path, seconds=0.05)
    bench.annotators._idle._period = 0.01
    for name, kind in (*FOLDERS.items(), ("seg_ade20k", "segformer")):
        bench.has(kind, kind)
        bench.map(name)
        assert bench.loaded <= module.KEPT
    for _ in range(200):
        if not bench.loaded:
            break
        threading.Event().wait(0.02)
    assert not bench.loaded


def test_what_is_loaded_is_told_with_the_engines_own_and_let_go_with_it(bench):
    tiny.write_random(bench.home / "hed" / "ControlNetHED.pth", network := SoftEdges())
    bench.has("midas", "dpt")
    engine = LocalEngine(
        bench.config,
        SettingsStore(bench.config.settings_file),
        bench.catalog,
        bench.table,
        annotators=bench.annotators,
    )
    assert engine.memory().residents == ()
    bench.map("softedge_hed")
    bench.map("depth_midas")
    edges, depth = engine.memory().residents
    size = sum(weight.nbytes for weight in network.parameters())
    assert edges == Resident("ControlNetHED.pth", "annotator", size, "RAM", in_use=False)
    assert (depth.model, depth.in_use) == ("midas", False)
    assert depth.size > 1000
    engine.unload("midas")
    assert engine.memory().residents == (edges,)
    engine.unload()
    assert engine.memory().residents == ()


def test_what_runs_is_in_use_and_stays(bench):
    bench.has("midas", "dpt")
    seen = []

    def looked_at(image, options, annotated):
        bench.annotators.unload()
        seen.extend(bench.annotators.residents())
        return annotated(image, options)

    bench.map("depth_midas")
    (network,) = bench.annotators._held.values()
    network.annotated = partial(looked_at, annotated=network.annotated)
    bench.map("depth_midas")
    assert [resident.in_use for resident in seen] == [True]


def test_a_changed_file_is_read_anew(bench):
    bench.has("depth", "dpt", seed=1)
    first = bench.map("depth_midas")
    assert bench.map("depth_midas").tobytes() == first.tobytes()
    bench.has("depth", "dpt", seed=2)
    assert bench.map("depth_midas").tobytes() != first.tobytes()


def test_from_several_threads(bench):
    bench.has("depth", "dpt")
    bench.has("things", "segformer")
    names = ["depth_midas", "seg_ade20k"] * 4
    alone = {name: bench.map(name).tobytes() for name in set(names)}
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda name: bench.map(name).tobytes(), names))
    assert made == [alone[name] for name in names]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_hidden_layers": 10**9}, "which no such network needs"),
        ({"hidden_size": 10**7}, "which no such network needs"),
        ({"neck_hidden_sizes": [8] * 5000}, "far too many"),
        ({"num_hidden_layers": 5}, "lacks"),
        ({"hidden_size": 48}, "can't be loaded from config.json"),
    ],
)
def test_damaged_folders_are_told(bench, change, words):
    bench.has("depth", "dpt")
    file = bench.home / "depth" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    assert words in refusal(bench, "depth_midas")


def test_a_config_cant_have_code_run(bench):
    bench.has("depth", "dpt")
    file = bench.home / "depth" / "config.json"
    wicked = {
        "_attn_implementation": "someone/kernel",
        "attn_implementation": "someone/kernel",
        "auto_map": {"AutoModelForDepthEstimation": "code.Model"},
        "quantization_config": {"quant_method": "someone"},
    }
    before = bench.map("depth_midas").tobytes()
    file.write_text(json.dumps({**json.loads(file.read_text()), **wicked}))
    assert bench.map("depth_midas").tobytes() == before
    file.write_text("[" * 20_000)
    assert "Depth (MiDaS) needs a model" in refusal(bench, "depth_midas")


def test_where_memory_runs_out_the_cpu_goes_on_and_if_it_does_there_that_is_said(bench, monkeypatch):
    bench.has("depth", "dpt")
    expected = bench.map("depth_midas").tobytes()
    network = next(iter(bench.annotators._held.values()))
    run, places = network.annotated, []

    def failing(image, options):
        places.append(1)
        if len(places) == 1:
            raise torch.OutOfMemoryError
        return run(image, options)

    monkeypatch.setattr(network, "annotated", failing)
    monkeypatch.setattr(bench.annotators, "_device", lambda: torch.device("cpu", 0))
    assert bench.map("depth_midas").tobytes() == expected
    assert len(places) == 2

    def hopeless(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(network, "annotated", hopeless)
    assert "Lower the Preprocessor Resolution" in refusal(bench, "depth_midas")


STAND_IN = """
from pathlib import Path

import torch
from PIL import Image

class Network:
    def __init__(self, *weights):
        self.weights = weights

    def parameters(self):
        yield from self.weights

class Wrapped:
    model = Network(torch.zeros(5))

class MLSDdetector:
    def __init__(self):
        self.plain, self.wrapped = Network(torch.zeros(2, 3), torch.zeros(4)), Wrapped()

    @classmethod
    def from_pretrained(cls, folder, filename):
        found = cls()
        found.weights = (Path(folder) / filename).read_text()
        return found

    def to(self, device):
        return self

    def __call__(self, image, thr_v, thr_d, detect_resolution, image_resolution, output_type):
        assert (self.weights, detect_resolution, output_type) == ("weights", 64, "pil")
        return Image.new("RGB", image.size, (int(thr_v * 100), int(thr_d * 10), image_resolution))
"""


def test_what_controlnet_aux_runs_is_offered_where_it_is_installed(bench, tmp_path, monkeypatch):
    """A stand-in for the package, which brings torchvision and half a gigabyte with it."""
    assert "controlnet-aux" in bench.table.find("mlsd").missing()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "controlnet_aux.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert "mlsd_large_512_fp32.pth" in bench.table.find("mlsd").missing()
    (bench.home / "mlsd_large_512_fp32.pth").write_text("weights")
    bench.catalog.refresh()
    assert bench.table.find("mlsd").missing() is None
    found = bench.map("mlsd", threshold_a=0.5, threshold_b=4.0)
    assert found.getpixel((0, 0)) == (50, 40, 64)
    (resident,) = bench.annotators.residents()
    assert (resident.model, resident.size) == ("mlsd_large_512_fp32.pth", 4 * (6 + 4 + 5))


def test_the_table_is_made_without_torch():
    code = "import sys, webui.engine.annotators.table; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
