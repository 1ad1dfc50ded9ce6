"""The hasher: it finds every sum in the end, and is in nobody's way."""

import hashlib
import threading
import time

import pytest

from tests.catalog.samples import folder, write
from tests.serving import wait_until
from webui.catalog import hashing, idle_thread
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.hashing import Hasher, sha256_of
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(idle_thread, "IDLE", 0.02)
    monkeypatch.setattr(idle_thread, "PAUSE", 0.02)


@pytest.fixture
def hasher():
    """Starts hashers and stops them."""
    started = []

    def start(catalog, **options):
        started.append(Hasher(catalog, **options))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


def all_known(catalog):
    return all(model.sha256 for model in catalog.files() if model.problem is None)


def test_every_usable_model_gets_its_sum_new_ones_too(tmp_path, hasher):
    file = write(tmp_path / "moon.safetensors")
    folder(tmp_path / "sun")
    (tmp_path / "broken.safetensors").write_bytes(b"")
    catalog = Catalog.over([tmp_path])
    hasher(catalog)
    wait_until(lambda: all_known(catalog))
    assert catalog.find("moon").sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert catalog.get("broken.safetensors").sha256 is None
    write(tmp_path / "star.safetensors")
    catalog.refresh()
    wait_until(lambda: catalog.find("star").sha256)


def test_sums_outlive_the_server(tmp_path, hasher):
    write(tmp_path / "models" / "moon.safetensors")
    file = tmp_path / "index.sqlite3"
    index = ModelIndex(file)
    catalog = Catalog([ModelFolder(tmp_path / "models")], index, ModelSettingsStore())
    hasher(catalog)
    wait_until(lambda: all_known(catalog))
    again = ModelIndex(file)
    later = Catalog([ModelFolder(tmp_path / "models")], again, ModelSettingsStore())
    assert later.find("moon").sha256 == catalog.find("moon").sha256
    assert later.unhashed() == []
    again.close()


def test_a_file_that_has_gone_holds_up_no_other(tmp_path, hasher):
    gone = write(tmp_path / "a.safetensors")
    write(tmp_path / "b.safetensors", {"more": (1,)}).unlink()
    write(tmp_path / "c.safetensors")
    catalog = Catalog.over([tmp_path])
    gone.unlink()
    hasher(catalog)
    wait_until(lambda: catalog.find("c").sha256)
    assert catalog.get("a.safetensors").sha256 is None


def test_it_waits_while_something_else_is_done(tmp_path, hasher):
    write(tmp_path / "moon.safetensors")
    catalog, busy = Catalog.over([tmp_path]), threading.Event()
    busy.set()
    hasher(catalog, busy=busy.is_set)
    time.sleep(0.2)
    assert catalog.find("moon").sha256 is None
    busy.clear()
    wait_until(lambda: catalog.find("moon").sha256)


def test_it_stops_in_the_middle_of_a_file(tmp_path):
    write(tmp_path / "moon.safetensors")
    catalog = Catalog.over([tmp_path])
    hasher = Hasher(catalog, busy=lambda: True)
    hasher.start()
    time.sleep(0.05)
    begun = time.monotonic()
    hasher.stop()
    assert time.monotonic() - begun < 2
    assert catalog.find("moon").sha256 is None


def test_stopping_what_never_started():
    Hasher(Catalog.over([])).stop()


def test_a_file_that_changes_meanwhile_has_no_sum(tmp_path):
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(3 * hashing.CHUNK))

    def changes():
        with file.open("ab") as stream:
            stream.write(b"more")
        return True

    assert sha256_of(file, changes) is None
    assert sha256_of(file) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert sha256_of(file, lambda: False) is None


def test_checkpoints_come_first(tmp_path):
    write(tmp_path / "vae" / "a.safetensors", {"encoder.mid.block_1.conv1.weight": (8, 8, 3, 3)})
    write(tmp_path / "ckpt" / "b.safetensors")
    folders = [ModelFolder(tmp_path / "vae", ("vae",)), ModelFolder(tmp_path / "ckpt")]
    catalog = Catalog(folders, ModelIndex(), ModelSettingsStore())
    assert [file.name for _, file in catalog.unhashed()] == ["b.safetensors", "a.safetensors"]
