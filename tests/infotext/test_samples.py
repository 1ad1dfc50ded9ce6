"""What stands in pictures is read as other programs read it, wherever they agree among themselves."""

import io
import re

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sd_parsers.parsers import AUTOMATIC1111Parser

from tests.infotext.samples import SAMPLES, text_of
from tests.infotext.test_pairs import unquoted
from webui.infotext import read
from webui.infotext.pairs import split

KEYS = ("Steps", "Sampler", "CFG scale", "Seed", "Size", "Model", "Model hash")
COMPARED = ("prompt", "negative", *KEYS)
PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')

TEXTS = [text_of(*sample) for sample in SAMPLES]


def ours(text):
    parts = split(text)
    return {"prompt": parts.prompt, "negative": parts.negative, **{key: parts.pairs.get(key) for key in KEYS}}


def by_a1111s_description(text):
    """The form as A1111 publishes it: the last line's pairs, and above them the two prompts."""
    *lines, last = text.strip().split("\n")
    found = {key: unquoted(value) for key, value in PAIR.findall(last)}
    above, mark, below = "\n".join(lines).rpartition("Negative prompt:")
    prompt, negative = (above, below) if mark else (below, "")
    said = {"prompt": prompt.strip(), "negative": negative.strip()}
    return said | {key: found.get(key) for key in KEYS}


def by_sd_parsers(text):
    info = AUTOMATIC1111Parser(normalize_parameters=False).parse({"parameters": text})
    [sampler] = info.samplers
    model = sampler.model
    told = {**info.metadata, **sampler.parameters, "Sampler": sampler.name}
    told |= {"Model": model and model.name, "Model hash": model and model.hash}
    said = {"prompt": info.full_prompt, "negative": info.full_negative_prompt}
    return said | {key: told.get(key) for key in KEYS}


def by_unstable_reader(text):
    reader = pytest.importorskip("unstable_reader.image_data_reader")
    info = PngInfo()
    info.add_text("parameters", text)
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    read = reader.ImageDataReader(file)
    names = {"Steps": "steps", "Sampler": "sampler", "CFG scale": "cfg", "Seed": "seed", "Model": "model"}
    told = {key: read.parameter.get(name) for key, name in names.items()}
    said = {"prompt": read.positive, "negative": read.negative, "Size": read.parameter.get("size")}
    return said | told


def agreed(text, readers):
    """What those readers who tell of it agree on."""
    found = [reader(text) for reader in readers]
    for name in COMPARED:
        told = {one[name] for one in found if name in one}
        if len(told) == 1:
            yield name, told.pop()


def test_there_are_200_samples():
    assert len(set(TEXTS)) == 200


@pytest.mark.parametrize(
    "others", [(by_a1111s_description, by_sd_parsers), (by_a1111s_description, by_unstable_reader)]
)
def test_agrees_where_others_agree(others):
    compared = 0
    for text in TEXTS:
        found = ours(text)
        for name, value in agreed(text, others):
            assert found[name] == value, text
            compared += 1
    assert compared > 0.95 * len(TEXTS) * len(COMPARED)


@pytest.mark.parametrize("sample", SAMPLES[::10], ids=lambda sample: sample[2][-20:])
def test_every_program_of_them_is_understood(sample):
    """But for the names of schedule types that aren't anyone's."""
    found = read(text_of(*sample))
    assert {"steps", "sampler_name", "seed", "width", "height", "cfg_scale"} <= found.fields.keys()
    assert all("Foo" in problem or "before A1111 1.9" in problem for problem in found.problems)
