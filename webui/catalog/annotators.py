"""Networks of preprocessors: told by the names of their weights."""

from __future__ import annotations

from webui.catalog.entry import Identity
from webui.catalog.headers import Header

MARKS = (
    ("block1.projection.weight", "block5.convs.2.weight"),
    ("model0.1.weight", "model2.0.conv_block.1.weight"),
    ("Mconv1_stage2_L1.weight", "conv5_5_CPM_L1.weight"),
    ("neck.fusion_stage.layers.0.projection.weight", "head.conv1.weight"),
    ("neck.fusion_stage.layers.0.projection.weight", "head.head.0.weight"),
    ("metric_head.conv2.weight", "relative_head.conv1.weight"),
    ("decode_head.linear_fuse.weight", "decode_head.classifier.weight"),
    ("decode_head.psp_modules.0.1.conv.weight", "decode_head.classifier.weight"),
)
"""Of soft edges (HED), line drawings, body poses; and, as transformers names them, of Depth Anything, DPT
(MiDaS), ZoeDepth, SegFormer and UperNet."""
AUXILIARY = (
    "conv_reduces.0.conv.weight",
    "block23.conv3.weight",
    "model.model.1.model.1.weight",
    "encoder.original_model.conv_stem.weight",
    "Mconv7_stage6.weight",
)
"""Of those that controlnet-aux runs: PiDiNet, M-LSD, anime lines, normals (BAE), hands and faces."""


def annotator(header: Header) -> Identity | None:
    """What finds edges, lines, poses, depth or things in pictures, for a ControlNet to be steered by."""
    own = any(all(name in header.tensors for name in marks) for marks in MARKS)
    if own or header.first(*AUXILIARY):
        return Identity("annotator", has_vae=False, has_text_encoder=False)
    return None
