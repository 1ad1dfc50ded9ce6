"""Textual inversion: embeddings in prompts, beside the words whose vectors they have."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from tests.conftest import DEMO, PROMPT, Recorder
from tests.loading import load
from tests.tiny import write_folder
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import BUILT_IN_CHECKPOINTS
from webui.engine.conditioning import Conditioning
from webui.engine.encoding import PromptEncoder, Reading
from webui.engine.local import LocalEngine
from webui.engine.protocol import Order
from webui.engine.words import Embeddings
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt

PANDA = "a 3d {} on a blue background"


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


def catalog_of(folder):
    return Catalog([ModelFolder(folder, ("embedding",))], ModelIndex(), ModelSettingsStore())


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "embeddings").mkdir()
    return tmp_path / "embeddings"


@pytest.fixture
def encoder(model, folder):
    """Encodes with the embeddings that lie in `folder` when it is called."""

    def files():
        return catalog_of(folder).files("embedding")

    return PromptEncoder(model, embeddings=Embeddings(files, lambda _: "ab" * 32))


def vectors_of(model, words, part=0):
    """What a text encoder has for words."""
    encoder = model.encoders[part]
    ids = torch.tensor(encoder.tokenizer.ids(words))
    return encoder.network.get_input_embeddings()(ids).clone()


def teach(folder, name, tensor):
    save_file({"emb_params": tensor.contiguous()}, folder / f"{name}.safetensors")


def heard(encoder, text, **reading):
    return encoder.embed(text, Reading(**reading)).tokens


def test_the_vectors_of_a_word_are_heard_as_the_word(model, folder, encoder):
    teach(folder, "zq-pet", vectors_of(model, "panda"))
    assert torch.equal(heard(encoder, PANDA.format("zq-pet")), heard(encoder, PANDA.format("panda")))


@pytest.mark.parametrize(
    "where", ["(zq-pet:1.4)", "[zq-pet]", "zq-pet, (zq-pet)", "(big zq-pet:0.5) BREAK zq-pet"]
)
@pytest.mark.parametrize("emphasis", ["Original", "No norm", "Ignore"])
def test_emphasis_weighs_all_of_its_vectors(model, folder, encoder, where, emphasis):
    teach(folder, "zq-pet", vectors_of(model, "red panda bear"))
    plain = heard(encoder, where.replace("zq-pet", "red panda bear"), emphasis=emphasis)
    assert torch.equal(heard(encoder, where, emphasis=emphasis), plain)


def test_several_vectors_take_the_room_of_several_tokens(model, folder, encoder):
    teach(folder, "zq-pet", vectors_of(model, "a red panda"))
    teach(folder, "zq-place", vectors_of(model, "blue background"))
    said = heard(encoder, "zq-pet on a zq-place, zq-pet")
    assert torch.equal(said, heard(encoder, "a red panda on a blue background, a red panda"))


def test_a_vector_that_is_no_word_changes_what_is_heard(model, folder, encoder):
    before = heard(encoder, "zq-pet")
    teach(folder, "zq-pet", torch.randn(2, 192))
    assert not torch.equal(heard(encoder, "zq-pet"), before)
    (folder / "zq-pet.safetensors").unlink()
    assert torch.equal(heard(encoder, "zq-pet"), before)


def test_without_its_name_nothing_changes(model, folder, encoder):
    before = heard(PromptEncoder(model), PROMPT)
    teach(folder, "zq-pet", torch.randn(2, 192))
    heard(encoder, "zq-pet")
    assert torch.equal(heard(encoder, PROMPT), before)
    assert not model.encoders[0].network.get_input_embeddings()._forward_hooks


def test_a_changed_file_is_heard_anew(model, folder, encoder):
    teach(folder, "zq-pet", vectors_of(model, "owl"))
    assert torch.equal(heard(encoder, "zq-pet"), heard(encoder, "owl"))
    teach(folder, "zq-pet", vectors_of(model, "red panda"))
    assert torch.equal(heard(encoder, "zq-pet"), heard(encoder, "red panda"))


def test_the_longest_name_counts(model, folder, encoder):
    teach(folder, "zq", vectors_of(model, "owl"))
    teach(folder, "zq-pet", vectors_of(model, "panda"))
    assert torch.equal(heard(encoder, "a zq, a zq-pet"), heard(encoder, "a owl, a panda"))


def test_capitals_tell_names_apart_that_differ_in_nothing_else(model, folder, encoder):
    teach(folder, "Zqpet", vectors_of(model, "owl"))
    teach(folder, "zqpet", vectors_of(model, "panda"))
    assert torch.equal(heard(encoder, "a Zqpet"), heard(encoder, "a owl"))
    assert torch.equal(heard(encoder, "a zqpet"), heard(encoder, "a panda"))
    (folder / "zqpet.safetensors").unlink()
    assert torch.equal(heard(encoder, "a zqpet"), heard(encoder, "a owl"))


def test_it_is_never_divided_between_chunks(model, folder, encoder):
    teach(folder, "zq-pet", vectors_of(model, "red panda bear"))
    said = heard(encoder, " ".join(["cat"] * 73 + ["zq-pet"]))
    apart = heard(encoder, " ".join(["cat"] * 73) + " BREAK red panda bear")
    assert said.shape == (1, 154, 192)
    torch.testing.assert_close(said, apart, rtol=0, atol=1e-5)


A1111 = {
    "string_to_token": {"*": 265},
    "name": "x",
    "step": 500,
    "sd_checkpoint": None,
    "sd_checkpoint_name": None,
}


def _old(tensor):
    return {
        "string_to_param": torch.nn.ParameterDict({"*": torch.nn.Parameter(tensor)}),
        "string_to_token": {"*": torch.tensor(265)},
    }


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("zq-pet.pt", lambda tensor: {**A1111, "string_to_param": {"*": tensor}}),
        ("zq-pet.pt", _old),
        ("zq-pet.bin", lambda tensor: {"<anything>": tensor[0]}),
        ("zq-pet.safetensors", lambda tensor: {"<anything>": tensor}),
        ("zq-pet.safetensors", lambda tensor: {"emb_params": tensor.half()}),
    ],
)
def test_it_is_read_in_the_forms_that_people_have(model, folder, encoder, file, content):
    vector = vectors_of(model, "panda").half().float()
    made = content(vector)
    if file.endswith(".safetensors"):
        save_file(made, folder / file)
    else:
        torch.save(made, folder / file)
    direct = PromptEncoder(model, embeddings=encoder.vocabulary._embeddings)
    teach(folder, "zq-same", vector)
    assert encoder.embed("zq-pet").misfits == ()
    assert torch.equal(heard(encoder, "a zq-pet"), heard(direct, "a zq-same"))
    assert not torch.equal(heard(encoder, "a zq-pet"), heard(PromptEncoder(model), "a zq-pet"))


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (torch.zeros(1, 768), 'is for SD 1.x, and "darkroom-demo" is SD 2.x'),
        (torch.zeros(1, 333), "of another width"),
        (torch.zeros(76, 192), "76 vectors"),
        (torch.zeros(0, 192), "0 vectors"),
        (torch.full((2, 192), float("nan")), "no numbers"),
    ],
)
def test_what_cant_be_used_is_told_and_read_as_words(model, folder, encoder, tensor, reason):
    teach(folder, "zq-pet", tensor)
    other = replace(
        model, checkpoint=replace(model.checkpoint, identity=replace(model.checkpoint.identity, family="sd2"))
    )
    encoder = PromptEncoder(other, embeddings=encoder.vocabulary._embeddings)
    said = encoder.embed("a zq-pet", Reading())
    assert torch.equal(said.tokens, heard(PromptEncoder(other), "a zq-pet"))
    (misfit,) = said.misfits
    assert reason in misfit
    assert misfit.startswith('The embedding "zq-pet.safetensors" ')
    assert encoder.embed("an owl").misfits == ()


def test_a_pickle_with_code_and_a_broken_file_are_refused(model, folder, encoder):
    class Hostile:
        def __reduce__(self):
            return (print, ("run",))

    torch.save({"string_to_param": {"*": torch.zeros(1, 192)}, "x": Hostile()}, folder / "zq-one.pt")
    (folder / "zq-two.safetensors").write_bytes(b"\x10" * 100)
    said = encoder.embed("zq-one zq-two")
    assert torch.equal(said.tokens, heard(PromptEncoder(model), "zq-one zq-two"))
    assert len(said.misfits) == 2


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdxl") / "tiny"
    write_folder(folder, "sdxl")
    return load(Catalog.over([folder.parent]).find("tiny"))


def test_an_sdxl_pair_speaks_to_both_encoders(sdxl, folder):
    encoder = PromptEncoder(sdxl, embeddings=Embeddings(lambda: catalog_of(folder).files("embedding")))
    first, second = (vectors_of(sdxl, "a red cat", part) for part in (0, 1))
    save_file({"clip_l": first, "clip_g": second}, folder / "zqpet.safetensors")
    pair, plain = encoder.embed("on zqpet"), encoder.embed("on a red cat")
    assert torch.equal(pair.tokens, plain.tokens)
    assert torch.equal(pair.pooled, plain.pooled)
    teach(folder, "zqpet", first)
    lone = encoder.embed("on zqpet")
    assert "width" in lone.misfits[0]
    assert torch.equal(lone.tokens, PromptEncoder(sdxl).embed("on zqpet").tokens)


def test_over_the_steps_it_is_said_while_it_is_named(model, folder, encoder):
    teach(folder, "zq-pet", vectors_of(model, "panda"))
    said = Conditioning(encoder, [PicturePrompt("a [zq-pet:owl:0.5]", "zq-pet")], 4)
    first, last = said.at(0)[0], said.at(3)[0]
    assert torch.equal(first.wanted[0].embedding.tokens, heard(encoder, "a panda"))
    assert torch.equal(last.wanted[0].embedding.tokens, heard(encoder, "a owl"))
    assert torch.equal(first.unwanted.embedding.tokens, heard(encoder, "panda"))


def test_hashes_are_those_of_the_embeddings_that_are_said(model, folder, encoder):
    for name in ("zq-pet", "zq-place", "zq-late", "zq-wide"):
        teach(folder, name, torch.randn(1, 192 if name != "zq-wide" else 768))
    texts = ["a (zq-pet:1.2), [x:zq-late:30] zq-wide", "[zq-place|owl]"]
    assert encoder.vocabulary.hashes(texts, "Original", 20) == {"zq-pet": "ab" * 6, "zq-place": "ab" * 6}
    assert encoder.vocabulary.hashes(["owl"], "Original", 20) == {}


def test_pictures_are_drawn_with_them_and_tell_their_hashes(config, settings, demo, model, folder):
    """The whole way: a folder, the catalog, the engine, the infotext."""
    teach(folder, "zq-pet", vectors_of(model, "panda"))
    save_file({"x": torch.zeros(1, 1024)}, folder / "zq-wide.safetensors")
    folders = [ModelFolder(BUILT_IN_CHECKPOINTS, ("checkpoint",)), ModelFolder(folder, ("embedding",))]
    catalog = Catalog(folders, ModelIndex(), ModelSettingsStore())
    engine = LocalEngine(config, settings, catalog)
    file = catalog.find(DEMO)

    def drawn(prompt, negative=""):
        recorder = Recorder()
        fields = {"width": 64, "height": 64, "steps": 2, "cfg_scale": 4.0}
        engine.draw(
            Order(GenerationParams(prompt=prompt, negative_prompt=negative, **fields), file, 7), recorder
        )
        return recorder

    taught, plain = drawn("zq-pet, 3d style"), drawn("panda, 3d style")
    assert (taught.images[0] == plain.images[0]).all()
    sha256 = catalog.sha256(catalog.files("embedding")[0])
    assert f'TI hashes: "zq-pet: {sha256[:12]}"' in taught.pictures[0].infotext
    assert "TI hashes" not in plain.pictures[0].infotext
    against = drawn("owl", "zq-pet, zq-wide")
    assert "zq-pet: " in against.pictures[0].infotext
    assert any("SD 2.x" in notice for notice in against.notices)
    assert not (against.images[0] == drawn("owl").images[0]).all()
