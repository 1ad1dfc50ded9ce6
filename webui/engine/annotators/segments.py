"""What each part of a picture is, by transformers' networks that know ADE20K's 150 kinds of things."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from webui.engine.annotators.ade20k import COLOURS
from webui.engine.annotators.folders import load_network
from webui.engine.annotators.pixels import IMAGENET, brought, device_of, normed, pixels_of
from webui.imaging.preprocessors.preprocessor import Options

KINDS = {"segformer": "SegformerForSemanticSegmentation", "upernet": "UperNetForSemanticSegmentation"}
SIDE, MULTIPLE = 512, 32


class Segmenter(nn.Module):
    """Maps in which each kind of thing has its colour."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    @torch.inference_mode()
    def annotated(self, image: Image.Image, _: Options) -> Image.Image:
        """The map of a picture, in the colours that ControlNets were trained with."""
        seen = brought(image, SIDE, MULTIPLE)
        logits: Tensor = self.network(normed(pixels_of(seen, device_of(self)), IMAGENET)).logits
        size = (image.height, image.width)
        likely = F.interpolate(logits.float(), size, mode="bilinear", align_corners=False)[0].argmax(0)
        colours = np.array(COLOURS, np.uint8)
        return Image.fromarray(colours[likely.cpu().numpy() % len(colours)])


def read_segmenter(config: Path) -> Segmenter:
    """The network in the folder of that config.json.

    Raises:
        WeightsError: it is damaged.
    """
    return Segmenter(load_network(config.parent, KINDS))
