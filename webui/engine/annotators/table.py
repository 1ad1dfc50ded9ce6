"""The preprocessors that are networks, under the names of A1111's ControlNet extension. Free of torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from webui.engine.annotators import finishing
from webui.engine.annotators.annotating import Annotating, Read
from webui.engine.annotators.auxiliary import Detector, read_auxiliary
from webui.engine.annotators.needs import Auxiliary, FileNamed, FolderOf, Needs
from webui.engine.annotators.service import Annotators
from webui.imaging.preprocessors.preprocessor import Options, Preprocessor, Slider
from webui.plugins.hookspecs import hookimpl

PUBLISHED = "lllyasviel/Annotators"
HED = FileNamed("ControlNetHED.pth", PUBLISHED)
LINES, COARSE = FileNamed("sk_model.pth", PUBLISHED), FileNamed("sk_model2.pth", PUBLISHED)
BODY = FileNamed("body_pose_model.pth", PUBLISHED)
ANYTHING = FolderOf(("depth_anything",), "depth-anything/Depth-Anything-V2-Small-hf")
MIDAS = FolderOf(("dpt",), "Intel/dpt-hybrid-midas")
ZOE = FolderOf(("zoedepth",), "Intel/zoedepth-nyu-kitti")
THINGS = FolderOf(("upernet", "segformer"), "openmmlab/upernet-convnext-small")
PIDI = {"filename": "table5_pidinet.pth"}
BACKGROUND = Slider("Normal Background Threshold", 0.4, 0, 1, 0.01)
VALUE = Slider("MLSD Value Threshold", 0.1, 0.01, 2, 0.01)
DISTANCE = Slider("MLSD Distance Threshold", 0.1, 0.01, 20, 0.01)


def _soft_edges(file: Path) -> Annotating:
    from webui.engine.annotators.soft_edges import read_soft_edges

    return read_soft_edges(file)


def _lines(file: Path) -> Annotating:
    from webui.engine.annotators.line_drawing import read_line_drawing

    return read_line_drawing(file)


def _poses(file: Path) -> Annotating:
    from webui.engine.annotators.poses import read_poses

    return read_poses(file)


def _depth(file: Path) -> Annotating:
    from webui.engine.annotators.depth import read_depth

    return read_depth(file)


def _things(file: Path) -> Annotating:
    from webui.engine.annotators.segments import read_segmenter

    return read_segmenter(file)


@dataclass(frozen=True)
class _Entry:
    """A preprocessor: what it needs, what reads that, and what is made of the network's map."""

    name: str
    title: str
    control_type: str
    needs: Needs
    read: Read
    finish: Callable[[Image.Image, Options], Image.Image] = finishing.as_it_is
    threshold_a: Slider | None = None
    threshold_b: Slider | None = None
    aliases: tuple[str, ...] = ()


def _auxiliary(
    name: str,
    title: str,
    control_type: str,
    detector: Detector,
    threshold_a: Slider | None = None,
    threshold_b: Slider | None = None,
) -> _Entry:
    needs, read = Auxiliary(detector), partial(read_auxiliary, detector)
    return _Entry(name, title, control_type, needs, read, threshold_a=threshold_a, threshold_b=threshold_b)


ENTRIES = (
    _Entry("softedge_hed", "Soft edge (HED)", "SoftEdge", HED, _soft_edges, aliases=("hed",)),
    _Entry(
        "softedge_hedsafe", "Soft edge (HED, safe)", "SoftEdge", HED, _soft_edges, finishing.stepped,
        aliases=("hed_safe",),
    ),
    _Entry(
        "scribble_hed", "Scribble (HED)", "Scribble/Sketch", HED, _soft_edges, finishing.strokes,
        aliases=("fake_scribble",),
    ),
    _Entry("lineart_realistic", "Lineart (realistic)", "Lineart", LINES, _lines, aliases=("lineart",)),
    _Entry("lineart_coarse", "Lineart (coarse)", "Lineart", COARSE, _lines),
    _Entry(
        "depth_anything_v2", "Depth (Depth Anything)", "Depth", ANYTHING, _depth, aliases=("depth_anything",)
    ),
    _Entry("depth_midas", "Depth (MiDaS)", "Depth", MIDAS, _depth, aliases=("depth", "midas")),
    _Entry("depth_zoe", "Depth (ZoeDepth)", "Depth", ZOE, _depth),
    _Entry(
        "normal_midas", "Normal (of MiDaS's depth)", "NormalMap", MIDAS, _depth,
        finishing.normals, BACKGROUND, aliases=("normal_map",),
    ),
    _Entry(
        "normal_anything", "Normal (of Depth Anything's depth)", "NormalMap", ANYTHING, _depth,
        finishing.normals, BACKGROUND,
    ),
    _Entry("openpose", "OpenPose (body)", "OpenPose", BODY, _poses),
    _Entry(
        "seg_ade20k", "Segmentation (ADE20K)", "Segmentation", THINGS, _things,
        aliases=("seg_ofade20k", "seg_ufade20k", "segmentation"),
    ),
    _auxiliary(
        "openpose_full", "OpenPose (body, hands, face)", "OpenPose",
        Detector(
            "OpenposeDetector",
            {
                "filename": "body_pose_model.pth",
                "hand_filename": "hand_pose_model.pth",
                "face_filename": "facenet.pth",
            },
            {"include_hand": True, "include_face": True},
        ),
    ),
    _auxiliary("softedge_pidinet", "Soft edge (PiDiNet)", "SoftEdge", Detector("PidiNetDetector", PIDI)),
    _auxiliary(
        "softedge_pidisafe", "Soft edge (PiDiNet, safe)", "SoftEdge",
        Detector("PidiNetDetector", PIDI, {"safe": True}),
    ),
    _auxiliary(
        "scribble_pidinet", "Scribble (PiDiNet)", "Scribble/Sketch",
        Detector("PidiNetDetector", PIDI, {"scribble": True}),
    ),
    _auxiliary(
        "lineart_anime", "Lineart (anime)", "Lineart",
        Detector("LineartAnimeDetector", {"filename": "netG.pth"}),
    ),
    _auxiliary(
        "normal_bae", "Normal (BAE)", "NormalMap", Detector("NormalBaeDetector", {"filename": "scannet.pt"})
    ),
    _auxiliary(
        "mlsd", "Straight lines (M-LSD)", "MLSD",
        Detector("MLSDdetector", {"filename": "mlsd_large_512_fp32.pth"}, thresholds=("thr_v", "thr_d")),
        VALUE, DISTANCE,
    ),
)  # fmt: skip


class NetworkPlugin:
    """Adds them through the hook."""

    def __init__(self, annotators: Annotators) -> None:
        self._annotators = annotators

    @hookimpl
    def control_preprocessors(self) -> list[Preprocessor]:
        """Those that need files, which may come and go."""
        return [self._preprocessor(entry) for entry in ENTRIES]

    def _preprocessor(self, entry: _Entry) -> Preprocessor:
        return Preprocessor(
            entry.name,
            entry.title,
            entry.control_type,
            partial(self._run, entry),
            entry.threshold_a,
            entry.threshold_b,
            missing=partial(self._missing, entry),
            aliases=entry.aliases,
        )

    def _run(self, entry: _Entry, image: Image.Image, _: Image.Image | None, options: Options) -> Image.Image:
        made = self._annotators.run(entry.title, entry.needs, entry.read, image, options)
        return entry.finish(made, options)

    def _missing(self, entry: _Entry) -> str | None:
        found = self._annotators.find(entry.needs)
        return None if found else entry.needs.told(entry.title)
