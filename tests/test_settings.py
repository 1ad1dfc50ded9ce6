"""The settings in their file: what of it can be used, and what a damaged one costs."""

import json

import pytest

from webui.settings import Settings, SettingsStore


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.json"


def test_without_a_file_everything_is_as_at_first(file):
    assert SettingsStore(file).get() == Settings()
    assert not file.exists()


def test_what_can_not_be_used_is_dropped_and_the_rest_is_kept(file, caplog):
    kept = {"ram_budget": 7.5, "precision": "fp64", "idle_unload": -1, "vae_tiling": "On"}
    file.write_text(json.dumps(kept))
    store = SettingsStore(file)
    assert store.get() == Settings(ram_budget=7.5, vae_tiling="On")
    told = [record.message for record in caplog.records]
    assert len(told) == 2
    assert all(str(file) in line for line in told)
    assert "precision" in told[0]
    assert "idle_unload" in told[1]

    store.update({"preload": False})
    assert SettingsStore(file).get() == Settings(ram_budget=7.5, vae_tiling="On", preload=False)


def test_settings_of_another_version_are_passed_by(file, caplog):
    file.write_text(json.dumps({"colour": "red", "ram_budget": 7.5}))
    assert SettingsStore(file).get() == Settings(ram_budget=7.5)
    assert not caplog.records


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_holds_no_settings_is_told_in_the_log(file, content, caplog):
    file.write_bytes(content)
    assert SettingsStore(file).get() == Settings()
    assert f"{file} can't be used" in caplog.text


def test_a_folder_in_the_file_s_place(file, caplog):
    file.mkdir()
    assert SettingsStore(file).get() == Settings()
    assert f"{file} can't be used" in caplog.text
