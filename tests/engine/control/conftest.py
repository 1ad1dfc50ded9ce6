"""Tiny models to steer."""

import pytest

from tests import tiny
from tests.loading import load
from webui.catalog.catalog import Catalog


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """One of each family, of tiny random networks, by the family's name."""
    folder = tmp_path_factory.mktemp("models")
    tiny.write_sd1(folder / "sd1.safetensors")
    tiny.write_sd2(folder / "sd2.safetensors")
    tiny.write_sdxl(folder / "sdxl.safetensors")
    catalog = Catalog.over([folder])
    return {name: load(catalog.find(name)) for name in ("sd1", "sd2", "sdxl")}


@pytest.fixture(scope="session")
def sd1(models):
    return models["sd1"]


@pytest.fixture(scope="session")
def sdxl(models):
    return models["sdxl"]
