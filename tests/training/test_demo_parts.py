"""What the demo model's parts are good for, measured on few pictures; see measures.py for twenty."""

import json

import numpy as np
import pytest

from tests.training.measures import THINGS, DemoParts, agreement, distance
from webui.catalog.side_words import Card
from webui.config import BUILT_IN, DEMO
from webui.training.demo import CANNY, STYLE, TRIGGER

FEW = THINGS[:4]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return DemoParts(tmp_path_factory.mktemp("elsewhere"))


def test_they_are_there_wherever_models_are(parts):
    style, canny = parts.part("lora", STYLE), parts.part("controlnet", CANNY)
    assert style.identity.family == canny.identity.family == "sd1"
    assert canny.identity.variant == "control-lora"
    assert style.problem is canny.problem is None
    assert style.usage.activation == TRIGGER
    for part in (style, canny):
        assert part.description
        assert part.thumbnail.stat().st_size < 60_000


def test_they_are_small():
    folders = [BUILT_IN / kind / DEMO for kind in ("Lora", "ControlNet")]
    assert sum(file.stat().st_size for folder in folders for file in folder.iterdir()) < 3_500_000


def test_the_controlnet_keeps_pictures_to_its_map(parts):
    without, steered = parts.agreements(FEW, steps=10)
    assert steered > without + 0.15
    assert steered > 0.45


def test_the_lora_brings_pictures_to_its_style(parts):
    without, styled = parts.distances(FEW, steps=10)
    assert styled < 0.7 * without


def test_what_is_measured_is_what_it_says():
    page = np.zeros((40, 40), bool)
    page[10, 5:35] = True
    assert agreement(page, page) == 1
    assert agreement(page, np.roll(page, 2, 0)) == 1
    assert agreement(page, np.roll(page, 3, 0)) == 0
    assert agreement(page, ~page) < 0.5
    half = page.copy()
    half[:, 20:] = False
    assert 0.6 < agreement(page, half) < 0.8
    assert agreement(page, np.zeros_like(page)) == 0
    plain = np.full(16, 1 / 8)
    assert distance(plain, plain) == 0
    assert distance(np.eye(16)[0] + np.eye(16)[8], np.eye(16)[1] + np.eye(16)[9]) == 1


def test_their_cards_can_be_read():
    for kind, name in (("Lora", STYLE), ("ControlNet", CANNY)):
        Card.model_validate_json((BUILT_IN / kind / DEMO / f"{name}.darkroom.json").read_text())
    told = json.loads((BUILT_IN / "Lora" / DEMO / f"{STYLE}.json").read_text())
    assert told["activation text"] == TRIGGER
