"""The "8/75" at the corner of a prompt box."""

import pytest
import torch
from safetensors.torch import save_file

from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import BUILT_IN_CHECKPOINTS
from webui.params import MAX_PROMPT
from webui.prompting.styles_store import StyleStore
from webui.ui.components.token_count import TokenCounts


@pytest.fixture
def styles(tmp_path):
    return StyleStore([tmp_path / "styles.csv"])


@pytest.fixture
def counts(styles):
    return TokenCounts(Catalog.over([BUILT_IN_CHECKPOINTS]), styles)


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("a (3d:1.2) panda", "4/75"),
        ("panda BREAK panda", "76/150"),
        ("panda AND panda panda # three", "2/75"),
        ("[panda|panda panda] <lora:panda panda panda:1>", "2/75"),
        ("(((panda [", "1/75"),
        ("x" * (MAX_PROMPT + 1), "–/75"),
        ("\ud800", "–/75"),
    ],
)
def test_what_the_model_will_read_is_counted(counts, prompt, shown):
    assert counts.text(prompt, "") == shown


def test_the_chosen_styles_are_counted_with_both_prompts(counts, styles):
    styles.save("film", "{prompt} on a blue background", "panda panda")
    assert counts.texts("a 3d panda", "panda", None, "") == ["4/75", "1/75"]
    assert counts.texts("a 3d panda", "panda", ["film"], "") == ["8/75", "4/75"]
    assert counts.texts("a 3d panda", "panda", ["gone"], "") == ["4/75", "1/75"]


def test_embeddings_that_the_model_can_use_count_their_vectors(styles, tmp_path):
    for name, width in (("zqpet", 192), ("zqwide", 768)):
        save_file({"emb_params": torch.zeros(8, width)}, tmp_path / f"{name}.safetensors")
    folders = [ModelFolder(BUILT_IN_CHECKPOINTS, ("checkpoint",)), ModelFolder(tmp_path, ("embedding",))]
    catalog = Catalog(folders, ModelIndex(), ModelSettingsStore())
    counts = TokenCounts(catalog, styles)
    assert counts.text("a zqpet", "") == "9/75"
    without = TokenCounts(Catalog.over([BUILT_IN_CHECKPOINTS]), styles)
    assert counts.text("a zqwide", "") == without.text("a zqwide", "")
    (tmp_path / "zqpet.safetensors").unlink()
    catalog.refresh()
    assert counts.text("a zqpet", "") != "9/75"
