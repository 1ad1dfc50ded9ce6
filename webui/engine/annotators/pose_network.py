"""The network that sees where bodies' joints and limbs are (Cao et al., OpenPose, arXiv:1812.08008)."""

from __future__ import annotations

import re
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from webui.engine.original.networks import fill
from webui.engine.weights import load

TRUNK = (
    ("conv1_1", 3, 64), ("conv1_2", 64, 64), None,
    ("conv2_1", 64, 128), ("conv2_2", 128, 128), None,
    ("conv3_1", 128, 256), ("conv3_2", 256, 256), ("conv3_3", 256, 256), ("conv3_4", 256, 256), None,
    ("conv4_1", 256, 512), ("conv4_2", 512, 512), ("conv4_3_CPM", 512, 256), ("conv4_4_CPM", 256, 128),
)  # fmt: skip
"""The first ten layers are VGG-19's. None: the picture is halved."""
BRANCHES = (("L1", 38), ("L2", 19))
"""Directions of limbs, two numbers each; joints, and what is none."""
STAGES = range(2, 7)
FEATURES, SEEN = 128, 128 + 38 + 19
OLDER = re.compile(r"^model\d(_\d)?\.")
"""What some files have before each name."""


class PoseNetwork(nn.Module):
    """Pictures (batch, 3, height, width), blue first, within 0.5 of 0 -> limbs and joints, at an eighth."""

    def __init__(self) -> None:
        super().__init__()
        for layer in TRUNK:
            if layer:
                self._add(*layer, 3)
        for branch, outputs in BRANCHES:
            for number in range(1, 4):
                self._add(f"conv5_{number}_CPM_{branch}", FEATURES, FEATURES, 3)
            self._add(f"conv5_4_CPM_{branch}", FEATURES, 512, 1)
            self._add(f"conv5_5_CPM_{branch}", 512, outputs, 1)
            for stage in STAGES:
                for number in range(1, 6):
                    inputs = SEEN if number == 1 else FEATURES
                    self._add(f"Mconv{number}_stage{stage}_{branch}", inputs, FEATURES, 7)
                self._add(f"Mconv6_stage{stage}_{branch}", FEATURES, FEATURES, 1)
                self._add(f"Mconv7_stage{stage}_{branch}", FEATURES, outputs, 1)

    def _add(self, name: str, inputs: int, outputs: int, side: int) -> None:
        self.add_module(name, nn.Conv2d(inputs, outputs, side, padding=side // 2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of shape (batch, 38, height / 8, width / 8) and (batch, 19, height / 8, width / 8)."""
        for layer in TRUNK:
            x = F.relu(self.get_submodule(layer[0])(x)) if layer else F.max_pool2d(x, 2)
        first = [f"conv5_{number}_CPM" for number in range(1, 6)]
        limbs, joints = (self._chain(x, first, branch) for branch, _ in BRANCHES)
        for stage in STAGES:
            names = [f"Mconv{number}_stage{stage}" for number in range(1, 8)]
            seen = torch.cat([limbs, joints, x], 1)
            limbs, joints = (self._chain(seen, names, branch) for branch, _ in BRANCHES)
        return limbs, joints

    def _chain(self, x: Tensor, names: list[str], branch: str) -> Tensor:
        for name in names[:-1]:
            x = F.relu(self.get_submodule(f"{name}_{branch}")(x))
        return self.get_submodule(f"{names[-1]}_{branch}")(x)


def read_pose_network(file: Path) -> PoseNetwork:
    """The network in body_pose_model.pth.

    Raises:
        WeightsError: it is damaged or holds another network.
    """
    network = PoseNetwork().eval().requires_grad_(False)
    fill(network, {OLDER.sub("", name): weight.float() for name, weight in load(file).items()}, "network")
    return network
