"""Walks of tiny models with units, without an engine."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from tests.conftest import Recorder
from tests.loading import decoder_of
from webui.catalog.entry import ModelFile
from webui.catalog.identify import identify
from webui.engine.batch import Batch
from webui.engine.company import Visit
from webui.engine.conditioning import Conditioning
from webui.engine.control.join import Controls
from webui.engine.control.loading import wanted_of
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder
from webui.engine.guidance import Guidance
from webui.engine.held import Form
from webui.engine.protocol import Control, Order
from webui.engine.way import Way
from webui.imaging.preprocessors.built_in import weightless
from webui.params import GenerationParams
from webui.params.control import ControlUnit
from webui.prompting.prepared import PicturePrompt

SIDE, STEPS = 64, 4
CPU = torch.device("cpu")


def file_of(path) -> ModelFile:
    """A file of a control network, as the catalog would tell of it."""
    identity = identify(path)
    return ModelFile(
        path.name, path, identity.kind, identity, size=path.stat().st_size, problem=identity.problem
    )


def picture(seed=0, width=SIDE, height=SIDE) -> Image.Image:
    """Blocks of random colours."""
    blocks = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST)


def control(file=None, image=None, mask=None, **unit) -> Control:
    """A unit with its picture."""
    unit.setdefault("image", "0" * 32)
    return Control(ControlUnit(**unit), image or picture(), file, mask)


def controls(placed=None) -> Controls:
    """What joins walks; networks are made anew each time."""

    @contextmanager
    def lend(wanted):
        yield wanted.make(wanted.key.form)

    return Controls(lend, lambda *files: wanted_of(*files, Form(torch.float32), CPU), weightless())


def params_of(**fields) -> GenerationParams:
    small = {"prompt": "a cat", "width": SIDE, "height": SIDE, "steps": STEPS, "sampler_name": "Euler"}
    return GenerationParams(**{**small, **fields})


@torch.inference_mode()
def walked(model, *units: Control, guidance=4.0, prompts=1, observer=None, seen=None, **fields):
    """The latents at the end of a walk with `units`; `seen` gets what is given to each call of the UNet."""
    order = Order(params_of(**fields), model.checkpoint, 7, controls=units)
    batch = Batch(order, 1, range(prompts))
    way = Way.of(model, batch)
    said = Conditioning(PromptEncoder(model), [PicturePrompt("a cat", "a dog")] * prompts)
    size = (order.params.height // model.scale, order.params.width // model.scale)
    visit = Visit(model, decoder_of(model.vae), batch, way, size, said, observer or Recorder())
    with controls().join(visit) as steering:
        companions = [] if steering is None else [steering]
        if seen is not None:
            companions.append(_Seeing(seen))
        settled = replace(Guidance(guidance), evaluations=order.params.steps)
        denoise = Denoiser(model, said, settled, companions=companions)
        *_, last = way.walk(way.begin(), denoise)
    return way.finished(last)


class _Seeing:
    def __init__(self, seen):
        self._seen = seen

    def beside(self, given):
        self._seen.append(given)
        return {}
