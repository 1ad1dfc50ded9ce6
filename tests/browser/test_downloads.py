"""Getting models, from a local server that speaks the Hub's language."""

import threading

import pytest
from playwright.sync_api import expect

from tests.browser.pages import LONG, open_tab
from tests.catalog.file_server import FakeHub, sha256, weights
from tests.catalog.tokenizer_files import t5_tokenizer
from tests.serving import Server
from tests.tiny.files import write_vae

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    file = tmp_path_factory.mktemp("hub") / "vae.safetensors"
    write_vae(file)
    hub = FakeHub()
    hub.repository("org/vaes", {"mse.safetensors": file.read_bytes(), "ema.safetensors": weights(1000)})
    hub.repository("org/t5", {"tokenizer/tokenizer.json": t5_tokenizer(), "model.safetensors": weights(1000)})
    hub.repository("org/slow", {"slow.safetensors": weights(seed=1)})
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def server(hub, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.hub)
        with Server(tmp_path_factory.mktemp("downloads") / "data") as server:
            yield server


@pytest.fixture
def page(visit):
    page = visit()
    open_tab(page, "Models")
    expect(page.locator(".dr-offer").first).to_be_visible()
    return page


def ask(page, source, kind):
    form = page.locator(".dr-download")
    form.get_by_label("Hub repository or address").fill(source)
    form.get_by_label("Kind").select_option(kind)
    form.get_by_role("button", name="Download").click()


def row(page, name):
    return page.locator(".dr-download-row", has_text=name)


def test_one_file_of_several_is_chosen_comes_and_gets_its_card(page):
    ask(page, "org/vaes", "vae")
    candidates = page.locator(".dr-candidates")
    expect(candidates.get_by_role("listitem")).to_have_count(2)
    candidates.get_by_role("button", name="Download mse.safetensors").click()
    expect(row(page, "mse.safetensors")).to_contain_text("done", timeout=LONG)
    expect(candidates).to_be_hidden()
    page.locator(".dr-chip", has_text="VAE").click()
    expect(page.locator(".dr-card-name")).to_have_text(["mse"])


def test_a_download_shows_how_far_it_is_and_can_be_cancelled_and_tried_again(page, hub):
    gate = threading.Event()
    hub.files[f"/cdn/{sha256(weights(seed=1))}"].gate = gate
    ask(page, "org/slow", "vae")
    slow = row(page, "slow.safetensors")
    expect(slow.get_by_role("progressbar")).to_be_visible(timeout=LONG)
    expect(slow).to_contain_text("of 1.0 MB")
    slow.get_by_role("button", name="Cancel").click()
    expect(slow).to_contain_text("cancelled")
    gate.set()
    slow.get_by_role("button", name="Retry").click()
    expect(slow).to_contain_text("done", timeout=LONG)


def test_a_tokenizer_is_a_kind_of_its_own_and_comes_alone(page):
    ask(page, "org/t5", "Tokenizer")
    expect(row(page, "tokenizer.json")).to_contain_text("done", timeout=LONG)
    expect(page.locator(".dr-candidates")).to_be_hidden()


def test_a_repository_without_a_file_of_the_kind_says_so(page):
    ask(page, "org/vaes", "Tokenizer")
    candidates = page.locator(".dr-candidates")
    expect(candidates).to_have_text("There is no file of that kind in it.")
    expect(candidates.get_by_role("listitem")).to_have_count(0)


def test_a_repository_that_there_is_not_is_told_at_the_field(page):
    ask(page, "org/nothing", "checkpoint")
    expect(page.locator(".dr-download").get_by_role("alert")).to_contain_text("org/nothing")
