"""The darkroom's colours: warm near-black, one amber safelight; and light ones. Fonts are the system's."""

from __future__ import annotations

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

SANS = ("ui-sans-serif", "system-ui", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")


def build_theme() -> Base:
    """The theme object; darkroom.css adds what gradio's variables can't say."""
    theme = Base(
        primary_hue=colors.amber,
        secondary_hue=colors.amber,
        neutral_hue=colors.stone,
        radius_size=sizes.radius_md,
        spacing_size=sizes.spacing_md,
        text_size=sizes.text_md,
        font=SANS,
        font_mono=MONO,
    )
    return theme.set(
        body_background_fill="#f4f1ed",
        body_background_fill_dark="#12100e",
        background_fill_primary="#fffdfa",
        background_fill_primary_dark="#1b1816",
        background_fill_secondary="#f4f1ed",
        background_fill_secondary_dark="#151210",
        block_background_fill="#fffdfa",
        block_background_fill_dark="#1b1816",
        block_border_color="#e2dcd4",
        block_border_color_dark="#2e2925",
        border_color_primary="#d9d2c9",
        border_color_primary_dark="#38322d",
        border_color_accent="#b45309",
        border_color_accent_dark="#f5a524",
        input_background_fill="#ffffff",
        input_background_fill_dark="#12100e",
        input_border_color="#8f8578",
        input_border_color_dark="#6b6158",
        input_border_color_focus="#b45309",
        input_border_color_focus_dark="#f5a524",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_title_text_color="#3b342d",
        block_title_text_color_dark="#d8d0c6",
        block_title_text_weight="500",
        body_text_color="#211c18",
        body_text_color_dark="#ece6de",
        body_text_color_subdued="#655b51",
        body_text_color_subdued_dark="#a59a8e",
        button_primary_background_fill="#f5a524",
        button_primary_background_fill_dark="#f5a524",
        button_primary_background_fill_hover="#ffb83d",
        button_primary_background_fill_hover_dark="#ffb83d",
        button_primary_text_color="#1c1206",
        button_primary_text_color_dark="#1c1206",
        button_secondary_background_fill="#ebe5dd",
        button_secondary_background_fill_dark="#2a2521",
        button_secondary_background_fill_hover="#e0d8cd",
        button_secondary_background_fill_hover_dark="#38322d",
        button_secondary_text_color="#2c2621",
        button_secondary_text_color_dark="#ece6de",
        slider_color="#b45309",
        slider_color_dark="#f5a524",
        link_text_color="#92400e",
        link_text_color_dark="#f5a524",
    )
