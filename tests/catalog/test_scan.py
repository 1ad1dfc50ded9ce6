"""Whatever lies in a model folder: each file once, and nothing breaks the others."""

import os
import socket

import pytest

from tests.catalog.samples import LORA, SD1, VAE, folder, raw, write
from webui.catalog import catalog as catalogs
from webui.catalog import entries
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore

links = pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege")


def names(catalog):
    return [model.name for model in catalog.checkpoints()]


def test_files_and_folders_in_folders(tmp_path):
    folder(tmp_path / "anime" / "v2" / "Moon")
    write(tmp_path / "Zebra.safetensors")
    write(tmp_path / "anime" / "apple.ckpt")
    (tmp_path / "no model").mkdir()
    (tmp_path / "readme.txt").write_text("no model")
    write(tmp_path / ".cache" / "hidden.safetensors")
    catalog = Catalog.over([tmp_path])
    assert names(catalog) == ["anime/apple.ckpt", "anime/v2/Moon", "Zebra.safetensors"]
    assert catalog.broken() == []


def test_the_files_inside_a_diffusers_folder_are_its_own(tmp_path):
    folder(tmp_path / "moon")
    assert names(Catalog.over([tmp_path])) == ["moon"]


def test_a_folder_that_is_itself_a_model(tmp_path):
    assert names(Catalog.over([folder(tmp_path / "moon")])) == ["moon"]


@pytest.mark.parametrize(
    "name",
    [
        "[v2] (final).safetensors",
        "\N{HIRAGANA LETTER A}\N{PANDA FACE}.safetensors",
        "two\nlines.safetensors",
        'it\'s "quoted".safetensors',
        " spaces .safetensors",
        "many.dots.in.it.safetensors",
        "UPPER.SAFETENSORS",
        "%41&b=c.safetensors",
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="Windows allows none of them")
def test_odd_names(tmp_path, name):
    write(tmp_path / "plain.safetensors").rename(tmp_path / name)
    catalog = Catalog.over([tmp_path])
    assert names(catalog) == [name]
    assert catalog.find(name).path == tmp_path / name
    assert catalog.find(f"{name} [0123456789]").path == tmp_path / name


@pytest.mark.skipif(os.name != "posix", reason="bytes as names")
def test_a_name_that_is_no_text_can_be_shown_and_chosen(tmp_path):
    write(tmp_path / "plain.safetensors").rename(os.path.join(tmp_path, os.fsdecode(b"\xff.safetensors")))  # noqa: PTH118
    (model,) = Catalog.over([tmp_path]).checkpoints()
    assert model.name.encode() == b"?.safetensors"
    assert Catalog.over([tmp_path]).find("?.safetensors").path.stat().st_size


@links
def test_links_are_followed_but_not_in_circles(tmp_path):
    folder(tmp_path / "elsewhere" / "moon")
    write(tmp_path / "elsewhere" / "sun.safetensors")
    models = tmp_path / "models"
    models.mkdir()
    (models / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(models)
    (models / "self.safetensors").symlink_to(models / "self.safetensors")
    catalog = Catalog.over([models])
    assert names(catalog) == ["linked/moon", "linked/sun.safetensors", "self.safetensors"]
    assert [model.name for model in catalog.broken()] == ["self.safetensors"]


@links
def test_a_file_that_many_ways_lead_to_is_there_once(tmp_path):
    write(tmp_path / "a" / "moon.safetensors")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "other.safetensors").symlink_to(tmp_path / "a" / "moon.safetensors")
    assert names(Catalog.over([tmp_path / "a", tmp_path / "b", tmp_path / "c", tmp_path / "a"])) == [
        "moon.safetensors"
    ]


def test_one_folder_for_two_kinds_sorts_by_what_files_are(tmp_path):
    write(tmp_path / "lora.safetensors", LORA)
    write(tmp_path / "vae.safetensors", VAE)
    (tmp_path / "neither.safetensors").write_bytes(b"")
    folders = [ModelFolder(tmp_path, ("lora",)), ModelFolder(tmp_path, ("vae",))]
    catalog = Catalog(folders, ModelIndex(), ModelSettingsStore())
    assert [model.name for model in catalog.files("lora")] == ["lora.safetensors", "neither.safetensors"]
    assert [model.name for model in catalog.vaes()] == ["neither.safetensors", "vae.safetensors"]
    assert {model.name for model in catalog.broken()} == {"neither.safetensors"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.safetensors", b"", '"empty.safetensors" is empty (0 bytes)'),
        ("text.safetensors", b"hello", "is not a safetensors file"),
        ("text.ckpt", b"hello", "is not a model file"),
        ("page.ckpt", b"<html>login</html>", "is a web page"),
        ("cut.ckpt", b"PK\3\4" + bytes(50), "is damaged or cut off"),
        ("quant.gguf", b"GGUF" + bytes(50), "is a GGUF file"),
    ],
)
def test_broken_files_are_listed_with_their_reason(tmp_path, name, content, words):
    write(tmp_path / "good.safetensors")
    (tmp_path / name).write_bytes(content)
    catalog = Catalog.over([tmp_path])
    (broken,) = catalog.broken()
    assert (broken.name, broken.kind) == (name, "checkpoint")
    assert words in broken.problem
    assert broken.problem.endswith(".")
    assert catalog.find("").name == "good.safetensors"


@links
def test_a_link_to_nothing_is_listed(tmp_path):
    (tmp_path / "gone.safetensors").symlink_to(tmp_path / "nowhere")
    (broken,) = Catalog.over([tmp_path]).broken()
    assert broken.problem == '"gone.safetensors" is a link to a file that isn\'t there.'


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root can read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    write(tmp_path / "a.safetensors").chmod(0)
    (broken,) = Catalog.over([tmp_path]).broken()
    assert broken.problem == '"a.safetensors" can\'t be read: Permission denied.'


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path, monkeypatch):
    write(tmp_path / "a.safetensors")

    def fails(_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(entries, "identify", fails)
        catalog = Catalog.over([tmp_path])
        assert catalog.broken()[0].problem == '"a.safetensors" can\'t be read: Permission denied.'
    catalog.refresh()
    assert catalog.broken() == []


@pytest.mark.skipif(os.name == "nt", reason="pipes")
def test_pipes_and_sockets_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.ckpt"))
        (tmp_path / "folder.safetensors").mkdir()
        assert names(Catalog.over([tmp_path])) == []


def test_a_file_that_vanishes_while_it_is_looked_at(tmp_path, monkeypatch):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.safetensors")
    real = entries.identify

    def identify(file):
        (tmp_path / "a.safetensors").unlink(missing_ok=True)
        return real(file)

    monkeypatch.setattr(entries, "identify", identify)
    catalog = Catalog.over([tmp_path])
    assert "can't be read: No such file" in catalog.broken()[0].problem
    assert catalog.find("").name == "b.safetensors"
    catalog.refresh()
    assert names(catalog) == ["b.safetensors"]


def test_folders_that_are_not_there(tmp_path):
    assert names(Catalog.over([tmp_path / "nowhere", tmp_path])) == []


def test_refresh_sees_what_came_went_and_changed(tmp_path):
    moon = folder(tmp_path / "moon")
    write(tmp_path / "star.safetensors")
    catalog = Catalog.over([tmp_path])
    write(tmp_path / "sun.ckpt")
    (moon / "model_index.json").unlink()
    raw(tmp_path / "star.safetensors", b"{")
    assert names(catalog) == ["moon", "star.safetensors"]
    assert catalog.broken() == []
    catalog.refresh()
    assert [model.name for model in catalog.broken()][-1] == "star.safetensors"
    assert catalog.find("sun").problem is None


def test_a_part_of_a_folder_that_comes_later_makes_it_usable(tmp_path):
    moon = folder(tmp_path / "moon")
    config = (moon / "vae" / "config.json").read_bytes()
    (moon / "vae" / "config.json").unlink()
    catalog = Catalog.over([tmp_path])
    assert "vae/config.json is missing" in catalog.broken()[0].problem
    (moon / "vae" / "config.json").write_bytes(config)
    catalog.refresh()
    assert catalog.broken() == []


def test_a_side_file_that_comes_later_is_seen(tmp_path):
    write(tmp_path / "moon.safetensors")
    catalog = Catalog.over([tmp_path])
    (tmp_path / "moon.png").write_bytes(b"picture")
    catalog.refresh()
    assert catalog.find("moon").thumbnail == tmp_path / "moon.png"


def test_nothing_is_opened_twice(tmp_path, monkeypatch):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.safetensors", SD1)
    opened = []
    real = entries.identify
    monkeypatch.setattr(entries, "identify", lambda file: opened.append(file.name) or real(file))

    def catalog():
        index = ModelIndex(tmp_path / "cache" / "models.sqlite3")
        return index, Catalog([ModelFolder(tmp_path)], index, ModelSettingsStore())

    index, first = catalog()
    first.refresh()
    index.close()
    assert opened == ["a.safetensors", "b.safetensors"]
    write(tmp_path / "b.safetensors", {**SD1, "more": (1,)})
    index, second = catalog()
    index.close()
    assert opened == ["a.safetensors", "b.safetensors", "b.safetensors"]
    assert names(second) == ["a.safetensors", "b.safetensors"]


def test_a_young_snapshot_is_good_enough_for_a_page(tmp_path):
    catalog = Catalog.over([tmp_path])
    write(tmp_path / "moon.safetensors")
    catalog.refresh(older_than=3600)
    assert names(catalog) == []
    catalog.refresh(older_than=0)
    assert names(catalog) == ["moon.safetensors"]


def test_folders_that_take_long_are_looked_at_more_seldom(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(catalogs.time, "monotonic", lambda: now[0])
    taken = []

    def slow(*told):
        taken.append(now[0])
        now[0] += 1.0
        return stock(*told)

    stock = catalogs.take_stock
    monkeypatch.setattr(catalogs, "take_stock", slow)
    catalog = Catalog.over([tmp_path])
    for _ in range(60):
        now[0] += 1.0
        catalog.keep_up()
    assert taken == [100.0, 151.0]
