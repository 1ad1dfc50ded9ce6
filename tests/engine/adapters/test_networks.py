"""LoRAs in prompts, from the prompt to the picture."""

import hashlib
import pickle

import numpy as np
import pytest
import torch

from tests.conftest import PROMPT, Recorder
from tests.engine.adapters.loras import deltas_of, factors, kohya, merged, random
from tests.loading import decoder_of
from webui.engine.adapters import library as library_module
from webui.engine.adapters.bodies import Body
from webui.engine.adapters.fitting import fit
from webui.engine.adapters.library import LoraLibrary
from webui.engine.adapters.networks import Networks
from webui.engine.adapters.wardrobe import Wardrobe
from webui.engine.conditioning import Conditioning
from webui.engine.encoding import PromptEncoder
from webui.engine.generation import ClassicStudio
from webui.engine.protocol import Order
from webui.engine.weights import WeightsError
from webui.infotext import ModelIdentity, read
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt

SMALL = {"width": 64, "height": 64, "steps": 3, "cfg_scale": 4.0}


@pytest.fixture(scope="module")
def made(model):
    return factors(model, 4, scale=0.08)


@pytest.fixture(scope="module", autouse=True)
def files(shelf, model, made):
    shelf.put("style", kohya(made, alpha=2), ss_output_name="Trained As")
    shelf.put("people/face", kohya(factors(model, 2, seed=900, scale=0.08)))
    shelf.put("text only", kohya(factors(model, 4, seed=300, unet=())))


@pytest.fixture(scope="module")
def plain(shelf):
    return shelf.draw().images[0]


def far(one, other):
    return float(np.abs(one - other).mean())


def test_a_picture_is_that_of_merged_weights(shelf, model, made, plain):
    drawn = shelf.draw(f"{PROMPT} <lora:style:0.5:0.8>")
    assert drawn.notices == []
    with merged(model, deltas_of(made, 0.8, alpha=2, te=0.5)) as changed:
        decoder = decoder_of(changed.vae)
        studio = ClassicStudio(changed, lambda: ModelIdentity("x", None), decoder, decoder.fit_preview)
        expected = Recorder()
        studio.draw(Order(GenerationParams(prompt=PROMPT, **SMALL), changed.checkpoint, 7), expected)
    assert np.abs(drawn.images[0] - expected.images[0]).max() <= 1
    assert far(drawn.images[0], plain) > 2


def test_after_it_pictures_are_the_same_to_the_bit(shelf, plain):
    assert far(shelf.draw(f"{PROMPT} <lora:style:1><lora:people/face:1>").images[0], plain) > 1
    assert (shelf.draw().images[0] == plain).all()


def test_a_weight_of_nothing_is_no_lora(shelf, plain):
    assert (shelf.draw(f"{PROMPT} <lora:style:0>").images[0] == plain).all()


def test_text_encoder_and_unet_have_weights_of_their_own(shelf, plain):
    both, unet, text = (
        shelf.draw(f"{PROMPT} <lora:style:{te}:{unet}>").images[0] for te, unet in ((1, 1), (0, 1), (1, 0))
    )
    assert min(far(both, unet), far(both, text), far(unet, plain), far(text, plain)) > 0.5
    assert far(shelf.draw(f"{PROMPT} <lora:text only:1>").images[0], plain) > 0.5


def test_each_picture_of_a_batch_has_its_own(shelf):
    prompts = [f"{PROMPT} <lora:style:1>", PROMPT, f"{PROMPT} <lora:style:0.3><lora:face:1>"]
    together = shelf.draw(each=prompts).images
    alone = [
        shelf.draw(each=[PROMPT] * number + [prompt]).images[number] for number, prompt in enumerate(prompts)
    ]
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one - other).max() <= 1
    assert min(far(together[0], together[1]), far(together[0], together[2])) > 1


def test_over_the_steps(shelf):
    whole, beginning, ending, nothing = (
        shelf.draw(f"{PROMPT} {tag}", steps=4).images[0]
        for tag in ("<lora:style:0:1>", "[<lora:style:0:1>::0.25]", "<lora:style:0:1:start=3>", "")
    )
    assert min(far(one, other) for one in (beginning, ending) for other in (whole, nothing)) > 0.3
    assert (shelf.draw(f"{PROMPT} <lora:style:0:1:stop=99>", steps=4).images[0] == whole).all()


def test_editing_and_stopping_at_the_same_step_are_the_same(shelf):
    """A1111's editings last one evaluation longer than their number says."""
    edited = shelf.draw(f"{PROMPT} [<lora:style:0:1>::2]", steps=4, sampler_name="Euler").images[0]
    stopped = shelf.draw(f"{PROMPT} <lora:style:0:1:stop=4>", steps=4, sampler_name="Euler").images[0]
    assert (edited == stopped).all()


def test_the_negative_prompt_is_heard_with_the_same_loras(shelf, model):
    networks = Networks(Wardrobe(shelf.catalog, lambda: 2**30))
    encoder = PromptEncoder(model, networks)
    tagged = Conditioning(encoder, [PicturePrompt("cat [<lora:style:1>::0.5]", "dog")], 4)
    first, last = tagged.at(0)[0], tagged.at(3)[0]
    plain = Conditioning(encoder, [PicturePrompt("cat", "dog")], 4).at(0)[0]
    assert not torch.equal(first.unwanted.embedding.tokens, plain.unwanted.embedding.tokens)
    assert last.unwanted.embedding is plain.unwanted.embedding
    assert torch.equal(last.wanted[0].embedding.tokens, plain.wanted[0].embedding.tokens)


def test_block_weights_leave_blocks_out(shelf, plain):
    drawn = {
        name: shelf.draw(f"{PROMPT} <lora:style:0:1:lbw={name}>").images[0]
        for name in ("ALL", "NONE", "INALL", "OUTALL")
    }
    assert (drawn["NONE"] == plain).all()
    assert (drawn["ALL"] == shelf.draw(f"{PROMPT} <lora:style:0:1>").images[0]).all()
    assert (
        min(far(drawn["INALL"], drawn["OUTALL"]), far(drawn["INALL"], plain), far(drawn["OUTALL"], plain))
        > 0.3
    )


@pytest.mark.parametrize("name", ["style", "STYLE", "style.safetensors", "trained as"])
def test_a_lora_is_named_by_file_or_by_what_it_was_called(shelf, name):
    drawn = shelf.draw(f"{PROMPT} <lora:{name}:1>")
    assert drawn.notices == []
    assert (drawn.images[0] == shelf.draw(f"{PROMPT} <lora:style:1>").images[0]).all()


@pytest.mark.parametrize("name", ["face", "people/face", "People/Face.safetensors"])
def test_and_by_its_folder(shelf, plain, name):
    drawn = shelf.draw(f"{PROMPT} <lora:{name}:1>")
    assert drawn.notices == []
    assert far(drawn.images[0], plain) > 0.5


def nan(tensors):
    return {name: torch.full_like(tensor, float("nan")) for name, tensor in tensors.items()}


def broken(kind, shelf, made):
    """Puts something on the shelf that can't be used."""
    if kind == "code":
        (shelf.folder / "code.pt").write_bytes(pickle.dumps({"lora_unet_a.lora_down.weight": Evil()}))
        shelf.catalog.refresh()
    elif kind == "nan":
        shelf.put("nan", nan(kohya(made)))
    elif kind == "shapes":
        shelf.put("shapes", {name: random(3, 3) for name in kohya(made)})
    elif kind == "family":
        shelf.put("family", kohya(made), ss_base_model_version="sdxl_base_v1-0")
    elif kind == "cut":
        whole = shelf.put("cut", kohya(made)).read_bytes()
        shelf.catalog.refresh()
        (shelf.folder / "cut.safetensors").write_bytes(whole[:-1000])


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("absent", 'There is no LoRA "absent"; the picture was drawn without it.'),
        ("code", "code.pt"),
        ("nan", 'LoRA "nan": fits none of this model\'s modules'),
        ("shapes", "has another shape than the module here"),
        ("family", 'LoRA "family" is for SDXL and this checkpoint is of SD 1.x; it was drawn without it.'),
        ("cut", "cut"),
    ],
)
def test_what_cant_be_used_is_told_and_the_picture_drawn(shelf, made, plain, kind, told):
    broken(kind, shelf, made)
    drawn = shelf.draw(f"{PROMPT} <lora:{kind}:1>")
    assert (drawn.images[0] == plain).all()
    (notice,) = drawn.notices
    assert told in notice


def test_hypernetworks_are_left_out_with_a_sentence(shelf, plain):
    drawn = shelf.draw(f"{PROMPT} <hypernet:old:1>")
    assert drawn.notices == ['Hypernetworks aren\'t applied: "old" was left out.']
    assert (drawn.images[0] == plain).all()


def test_in_the_negative_prompt_they_change_nothing_and_that_is_told(shelf, plain):
    drawn = shelf.draw(negative_prompt="<lora:style:1>")
    assert drawn.notices == ['"style" stands in the negative prompt, where it changes nothing.']
    assert (drawn.images[0] == plain).all()


def test_a_changed_file_is_read_anew(shelf, model):
    shelf.put("changing", kohya(factors(model, 2, seed=1)))
    before = shelf.draw(f"{PROMPT} <lora:changing:1>").images[0]
    shelf.put("changing", kohya(factors(model, 2, seed=700)))
    assert far(shelf.draw(f"{PROMPT} <lora:changing:1>").images[0], before) > 1


def test_a_file_that_cant_be_used_is_read_once_until_it_changes(shelf, model, monkeypatch):
    file = shelf.folder / "torn.pt"
    torch.save({"vast": torch.zeros(1).expand(9, 9)}, file)
    places, library, reads = Body.of(model).places(), LoraLibrary(lambda: 0), []
    monkeypatch.setattr(library_module, "fit", lambda *args: reads.append(args) or fit(*args))
    for _ in range(3):
        with pytest.raises(WeightsError, match="more weights than it holds"):
            library.fit("torn", file, places, torch.float32)
    assert len(reads) == 1
    torch.save({"small": torch.zeros(9)}, file)
    assert library.fit("torn", file, places, torch.float32).count == 0
    assert len(reads) == 2
    file.unlink()


def test_what_has_been_read_is_kept_within_its_budget(shelf, settings):
    shelf.draw(f"{PROMPT} <lora:style:1><lora:face:1>")
    kept = {each.model for each in shelf.engine.memory().residents if each.part == "lora"}
    assert {"style.safetensors", "people/face.safetensors"} <= kept
    shelf.engine.unload("style.safetensors")
    kept = {each.model for each in shelf.engine.memory().residents if each.part == "lora"}
    assert "style.safetensors" not in kept
    assert "people/face.safetensors" in kept


def test_the_infotext_tells_a1111s_hashes(shelf):
    file = shelf.folder / "style.safetensors"
    content = file.read_bytes()
    behind = hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()[:12]
    text = shelf.draw(f"{PROMPT} <lora:style:1> # <lora:face:1>").pictures[0].infotext
    assert f'Lora hashes: "style: {behind}"' in text
    found = read(text)
    assert found.fields["prompt"].startswith(f"{PROMPT} <lora:style:1>")
    assert not any("Lora hashes" in each for each in found.unused)
    shelf.put("told", {"lora_unet_x.diff": torch.zeros(1)}, sshs_model_hash="0123456789abcdef")
    assert "told: 0123456789ab" in shelf.draw(f"{PROMPT} <lora:told:1>").pictures[0].infotext


def test_loras_share_networks_with_the_rest_of_the_pictures_way(shelf):
    """Hires fix, token merging and tiling change the same modules."""
    fields = {
        "enable_hr": True,
        "hr_scale": 1.5,
        "hr_second_pass_steps": 2,
        "token_merging_ratio": 0.3,
        "tiling": True,
        "step_cache": 2,
    }
    plain = shelf.draw(**fields).images[0]
    assert far(shelf.draw(f"{PROMPT} <lora:style:1>", **fields).images[0], plain) > 1
    assert (shelf.draw(**fields).images[0] == plain).all()


def test_interrupting_takes_them_off_too(shelf, plain):
    observer = Recorder(interrupt_at=(1, 1))
    order = Order(
        GenerationParams(prompt=f"{PROMPT} <lora:style:1>", **SMALL), shelf.catalog.find("darkroom-demo"), 7
    )
    shelf.engine.draw(order, observer)
    assert observer.pictures == []
    assert (shelf.draw().images[0] == plain).all()
