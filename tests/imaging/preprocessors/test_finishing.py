"""What preprocessors bring back of the control image."""

import numpy as np
import pytest
from PIL import Image

from webui.imaging.lab import to_lab
from webui.imaging.preprocessors.built_in import weightless
from webui.imaging.preprocessors.preprocessor import Options

TABLE = weightless()


def finished(name, drawn, control, a=1.0, b=1.0):
    return np.asarray(TABLE.find(name).finish(drawn, control, Options(512, a, b))).astype(int)


def noise(seed, mean, size=(300, 80)):
    random = np.random.default_rng(seed).normal(mean, 12, (*size[::-1], 3))
    return Image.fromarray(np.clip(random, 0, 255).astype(np.uint8))


def test_the_colour_fix_takes_colours_and_keeps_detail():
    drawn, control = noise(1, (200, 100, 60)), noise(2, (90, 120, 160))
    found = finished("tile_colorfix", drawn, control, a=8)
    assert np.abs(found.mean((0, 1)) - (90, 120, 160)).max() < 2
    own = np.diff(np.asarray(drawn).astype(int), axis=1)
    assert np.corrcoef(np.diff(found, axis=1).ravel(), own.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("name", ["tile_colorfix", "recolor_luminance", "recolor_intensity"])
def test_a_picture_is_its_own_finish(name):
    drawn = noise(3, (120, 90, 150))
    assert np.abs(finished(name, drawn, drawn, a=1) - np.asarray(drawn)).max() <= 2


def test_sharpness_sharpens():
    drawn, control = noise(1, 120), noise(2, 120)
    soft, sharp = (finished("tile_colorfix+sharp", drawn, control, 8, b) for b in (0, 2))
    assert np.abs(np.diff(sharp, axis=1)).mean() > 1.3 * np.abs(np.diff(soft, axis=1)).mean()


def test_recolor_keeps_the_lightness_of_the_control_image():
    drawn = Image.new("RGB", (40, 600), "#a08060")
    control = Image.linear_gradient("L").resize((40, 600)).convert("RGB")
    found = finished("recolor_luminance", drawn, control)
    light, wanted = (to_lab(np.asarray(pixels, np.uint8))[..., 0] for pixels in (found, control))
    middle = slice(150, 450)  # beyond, the colour can't be as light or dark as that
    assert np.abs(light - wanted)[middle].max() < 2
    assert np.ptp(found[300, 0]) > 20
    strong = finished("recolor_intensity", drawn, control)
    assert np.abs(strong.max(-1) - np.asarray(control).max(-1)).max() <= 1
