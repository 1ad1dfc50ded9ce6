"""Faces found in a picture by facexlib and restored by GFPGAN or CodeFormer, which spandrel reads.

Both (Wang et al. 2021, Zhou et al. 2022) know faces of 512 x 512 pixels, upright and centred, with colours in
[-1, 1].
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from webui.catalog.face_restorers import FINDERS, FaceRestorer, finders_folder
from webui.engine.devices import Placement
from webui.engine.protocol import EngineError
from webui.engine.upscaling.others import spandrel
from webui.engine.weights import WeightsError, load

SIDE = 512
"""Pixels of a face that the networks know."""
LEAST_EYES = 5
"""Pixels between the eyes; smaller faces are left as they are."""

Bytes = NDArray[np.uint8]


class FaceRestorers:
    """Restores faces where the optional packages and the files are there. Keeps nothing loaded."""

    def __init__(self, models: Path, placement: Callable[[], Placement]) -> None:
        """`models`: the folder whose subfolders hold the files."""
        self._models = models
        self._placement = placement

    @torch.inference_mode()
    def restored(self, image: Image.Image, restorer: FaceRestorer, weight: float = 0.5) -> Image.Image:
        """`image`, in its mode, with every face in it restored; `weight`: CodeFormer's faithfulness.

        Raises:
            EngineError: packages or files are missing; the text says which.
        """
        file, finders = self._needed(restorer)
        device = self._placement().device
        network = _network(file, restorer).to(device)
        helper_module = importlib.import_module("facexlib.utils.face_restoration_helper")
        helper = helper_module.FaceRestoreHelper(
            1, face_size=SIDE, use_parse=True, device=device, model_rootpath=str(finders)
        )
        helper.read_image(_flipped(np.asarray(image.convert("RGB"))))
        helper.get_face_landmarks_5(only_center_face=False, resize=640, eye_dist_threshold=LEAST_EYES)
        helper.align_warp_face()
        for face in helper.cropped_faces:
            helper.add_restored_face(_mended(network, face, device, weight))
        helper.get_inverse_affine()
        mended = Image.fromarray(_flipped(helper.paste_faces_to_input_image()))
        if image.mode == "RGBA":
            mended.putalpha(image.getchannel("A"))
        return mended

    def _needed(self, restorer: FaceRestorer) -> tuple[Path, Path]:
        """The restorer's file and the folder of what finds faces. Missing ones are never downloaded."""
        if missing := restorer.missing():
            raise EngineError(
                f"{restorer.name} needs the Python packages {', '.join(missing)}, which aren't installed. "
                "Install them into Darkroom's environment, or set its visibility to 0."
            )
        file, finders = restorer.file(self._models), finders_folder(self._models)
        if file is None:
            raise EngineError(
                f"There is no {restorer.name} in models/{restorer.folder}. Put its .pth file there, "
                "or set its visibility to 0."
            )
        if finders is None:
            raise EngineError(
                f"{restorer.name} needs {' and '.join(FINDERS)}, which facexlib offers for download. "
                f"Put them into models/{restorer.folder}, or set its visibility to 0."
            )
        return file, finders


def _network(file: Path, restorer: FaceRestorer) -> torch.nn.Module:
    library = spandrel()
    if library is None:
        raise EngineError(
            f"{restorer.name} needs spandrel, which is installed but doesn't work; the log tells why. "
            "Repair it, or set its visibility to 0."
        )
    if "spandrel_extra_arches" in restorer.packages:
        importlib.import_module("spandrel_extra_arches").install(ignore_duplicates=True)
    try:
        return library.ModelLoader("cpu").load_from_state_dict(load(file)).model.eval()
    except (WeightsError, library.UnsupportedModelError) as error:
        raise EngineError(f"{restorer.name} can't be loaded from {file.name}: {error}.") from error


def _mended(network: Any, face: Bytes, device: torch.device, weight: float) -> Bytes:  # noqa: ANN401
    """One face (512, 512, 3), blue first, restored."""
    pixels = torch.from_numpy(_flipped(face).copy()).permute(2, 0, 1)[None].to(device)
    made: Tensor = network(pixels.float() / 127.5 - 1, weight=weight)[0]
    pixels = made[0].float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    return _flipped(pixels.permute(1, 2, 0).cpu().numpy())


def _flipped(pixels: Bytes) -> Bytes:
    """Red and blue in each other's place: facexlib has blue first."""
    return np.ascontiguousarray(pixels[..., ::-1])
