"""Does the picture show what the prompt asks for? Ten prompts, against the ten references."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import pixels

REFERENCES = {
    file.stem: Image.open(file)
    for file in sorted((Path(__file__).parents[1] / "data" / "references").glob("*.png"))
}


def thumbnail(image: Image.Image):
    return pixels(image.convert("RGB").resize((16, 16), Image.Resampling.BOX))


def distances(image: Image.Image) -> dict[str, float]:
    """To each reference: the root of the mean squared difference of the thumbnails."""
    small = thumbnail(image)
    return {
        name: float(np.sqrt(((small - thumbnail(reference)) ** 2).mean()))
        for name, reference in REFERENCES.items()
    }


def test_there_are_ten_references():
    assert len(REFERENCES) == 10
    assert {image.size for image in REFERENCES.values()} == {(64, 64)}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_prompt_draws_what_it_names(draw, name):
    prompt = f"{name.replace('-', ' ')}, 3d style, white background"
    image = draw(prompt=prompt, steps=10).pictures[0].image
    to = distances(image)
    own = to.pop(name)
    assert min(to.values()) / own >= 1.1, (own, to)
    colour = abs(pixels(image).mean((0, 1)) - pixels(REFERENCES[name]).mean((0, 1))).mean()
    assert colour <= (40 if name == "panda" else 16)
