"""Loading a checkpoint without an engine, as the tests of single modules need it."""

import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from webui.catalog.entry import ModelFile
from webui.engine.decoding import Decoder
from webui.engine.devices import Placement
from webui.engine.general.beside import Beside
from webui.engine.held import Form
from webui.engine.opening import Opening, open_studio
from webui.engine.parts import wanted_of
from webui.engine.studio import Studio
from webui.infotext import ModelIdentity
from webui.prompting.chunks import chunked

CPU = Placement(torch.device("cpu"), torch.float32)


def open_file(checkpoint: ModelFile, placement: Placement = CPU, vae: ModelFile | None = None) -> Studio:
    """A studio with parts of its own, in no cache."""
    beside = Beside(vae=vae)
    form = Form(placement.dtype, placement.channels_last)
    networks = {
        wanted.key.part: wanted.make(form)
        for wanted in wanted_of(checkpoint, beside, placement.device, lambda _: form)
    }

    return open_studio(
        Opening(
            file=checkpoint,
            beside=beside,
            networks=networks,
            placement=placement,
            on_device=lambda _: nullcontext(),
            decoder=lambda: decoder_of(networks["vae"]),
            identity=lambda: ModelIdentity(checkpoint.stem, "0" * 10),
            previews=Path(tempfile.gettempdir()) / "darkroom-test-previews",
        )
    )


def decoder_of(vae, *, tiled=False) -> Decoder:
    """Decodes with `vae` as it is."""

    @contextmanager
    def lend(dtype):
        assert dtype == vae.dtype
        yield vae

    return Decoder(lend, vae.dtype, lambda: tiled)


def token_rows(tokenizer, text):
    """What a text encoder is given for `text`, every sign of which is text: rows of 77 ids."""
    return [list(chunk.ids) for chunk in chunked(text, tokenizer, "None", 0)]


def decode(model, latents):
    """The picture that latents stand for."""
    return decoder_of(model.vae).decode(latents)


def load(checkpoint: ModelFile, placement: Placement = CPU):
    """The model of a checkpoint of the Stable Diffusion families."""
    return open_file(checkpoint, placement).model
