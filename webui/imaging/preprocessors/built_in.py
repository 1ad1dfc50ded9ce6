"""The preprocessors that need no files."""

from __future__ import annotations

from webui.imaging.preprocessors.canny import canny
from webui.imaging.preprocessors.colouring import gridded, intensity, luminance, shuffled
from webui.imaging.preprocessors.finishing import colour_fixed, colour_fixed_sharply, intensified, relit
from webui.imaging.preprocessors.lines import drawing, inverted, scribbled, softened, thresholded
from webui.imaging.preprocessors.masking import blanked
from webui.imaging.preprocessors.preprocessor import Preprocessor, Slider
from webui.imaging.preprocessors.shading import depth, normals
from webui.imaging.preprocessors.table import Preprocessors
from webui.imaging.preprocessors.tiles import blurred, resampled, unchanged

VARIATION = Slider("Variation", 8, 3, 32)
GAMMA = Slider("Gamma Correction", 1, 0.1, 2, 0.001)
FIDELITY = Slider('Style Fidelity (only for "Balanced" mode)', 0.5, 0, 1, 0.01)

BUILT_IN = (
    Preprocessor("none", "None", "All", unchanged, has_resolution=False),
    Preprocessor(
        "invert", "invert (from white bg & black line)", "Lineart", inverted, has_resolution=False
    ),
    Preprocessor(
        "canny", "Canny", "Canny", canny,
        Slider("Low Threshold", 100, 1, 255), Slider("High Threshold", 200, 1, 255),
    ),
    Preprocessor("softedge_sobel", "Soft edge (Sobel, no model)", "SoftEdge", softened),
    Preprocessor(
        "lineart_standard", "lineart_standard (from white bg & black line)", "Lineart", drawing,
        aliases=("standard_lineart",),
    ),
    Preprocessor(
        "scribble_xdog", "Scribble (XDoG)", "Scribble/Sketch", scribbled, Slider("XDoG Threshold", 32, 1, 64)
    ),
    Preprocessor("depth_from_shading", "Depth (from shading, no model)", "Depth", depth),
    Preprocessor("normal_from_shading", "Normal (from shading, no model)", "NormalMap", normals),
    Preprocessor(
        "tile_resample", "Tile (resample)", "Tile/Blur", resampled,
        Slider("Down Sampling Rate", 1, 1, 8, 0.01), has_resolution=False, aliases=("tile_gaussian",),
    ),
    Preprocessor(
        "tile_colorfix", "Tile (colour fix)", "Tile/Blur", unchanged, VARIATION,
        has_resolution=False, finish=colour_fixed,
    ),
    Preprocessor(
        "tile_colorfix+sharp", "Tile (colour fix, sharp)", "Tile/Blur", unchanged,
        VARIATION, Slider("Sharpness", 1, 0, 2, 0.01), has_resolution=False, finish=colour_fixed_sharply,
    ),
    Preprocessor(
        "blur_gaussian", "Blur (Gaussian)", "Tile/Blur", blurred, Slider("Sigma", 9, 0.01, 64, 0.01)
    ),
    Preprocessor(
        "inpaint_only", "Inpaint (masked part only)", "Inpaint", blanked,
        has_resolution=False, needs_mask=True,
    ),
    Preprocessor(
        "inpaint_global_harmonious", "Inpaint (whole picture)", "Inpaint", blanked,
        has_resolution=False, needs_mask=True, aliases=("inpaint",),
    ),
    Preprocessor("shuffle", "Shuffle", "Shuffle", shuffled),
    Preprocessor(
        "threshold", "Threshold", "All", thresholded, Slider("Binarization Threshold", 127, 0, 255),
        aliases=("binary",),
    ),
    Preprocessor("t2ia_color_grid", "Colour grid", "T2I-Adapter", gridded, aliases=("color",)),
    Preprocessor(
        "recolor_luminance", "Recolor (luminance)", "Recolor", luminance, GAMMA,
        has_resolution=False, finish=relit,
    ),
    Preprocessor(
        "recolor_intensity", "Recolor (intensity)", "Recolor", intensity, GAMMA,
        has_resolution=False, finish=intensified,
    ),
    Preprocessor(
        "reference_only", "Reference (attention)", "Reference", unchanged, FIDELITY,
        has_resolution=False, steers=True,
    ),
    Preprocessor(
        "reference_adain", "Reference (AdaIN)", "Reference", unchanged, FIDELITY,
        has_resolution=False, steers=True,
    ),
    Preprocessor(
        "reference_adain+attn", "Reference (AdaIN and attention)", "Reference", unchanged, FIDELITY,
        has_resolution=False, steers=True,
    ),
    Preprocessor(
        "ip-adapter_auto", "IP-Adapter", "IP-Adapter", unchanged, has_resolution=False,
        aliases=(
            "ip-adapter", "ip-adapter_clip_h", "ip-adapter_clip_g", "ip-adapter_clip_sd15",
            "ip-adapter_clip_sdxl", "ip-adapter_clip_sdxl_plus_vith",
        ),
    ),
)  # fmt: skip
"""In the order in which they are offered."""


def weightless() -> Preprocessors:
    """The table of those alone."""
    return Preprocessors(BUILT_IN)
