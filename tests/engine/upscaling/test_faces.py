"""Restoring faces where something is missing: it is said what. The rest needs packages that aren't ours."""

import pytest
import torch
from PIL import Image

from tests.engine.upscaling.conftest import CPU
from webui.catalog.face_restorers import FINDERS, FaceRestorer
from webui.engine.protocol import EngineError
from webui.engine.upscaling.faces import FaceRestorers, _flipped, _mended

NEEDS_NOTHING = FaceRestorer("GFPGAN", "GFPGAN", ())


def restored(models, restorer):
    return FaceRestorers(models, lambda: CPU).restored(Image.new("RGB", (64, 64)), restorer)


def test_what_is_missing_is_said_one_after_the_other(tmp_path):
    with pytest.raises(EngineError, match=r"^GFPGAN needs the Python packages nowhere_at_all, which aren't"):
        restored(tmp_path, FaceRestorer("GFPGAN", "GFPGAN", ("json", "nowhere_at_all")))
    with pytest.raises(EngineError, match=r"^There is no GFPGAN in models/GFPGAN\. Put its \.pth file there"):
        restored(tmp_path, NEEDS_NOTHING)
    (tmp_path / "GFPGAN").mkdir()
    (tmp_path / "GFPGAN" / "GFPGANv1.4.pth").write_bytes(b"")
    with pytest.raises(EngineError, match=rf"^GFPGAN needs {FINDERS[0]} and {FINDERS[1]}, which facexlib"):
        restored(tmp_path, NEEDS_NOTHING)


def test_a_face_goes_to_the_network_as_it_knows_them_and_comes_back():
    seen = []

    def network(x, weight):
        seen.append((x, weight))
        return (x, None)

    face = torch.randint(0, 256, (8, 8, 3), dtype=torch.uint8).numpy()
    made = _mended(network, face, torch.device("cpu"), 0.3)
    assert (made == face).all()
    [(x, weight)] = seen
    assert (x.shape, weight) == ((1, 3, 8, 8), 0.3)
    assert -1 <= x.min() < -0.9
    # Red first, as networks have it.
    assert torch.allclose(x[0, 0], torch.from_numpy(_flipped(face)[..., 0].copy()) / 127.5 - 1)
