"""What the sides of a picture can be, in pixels."""

MAX_SIDE = 8192
MIN_SIDE = 64
GRAIN = 8
"""Pictures are drawn in sizes that are multiples of it: how many pixels wide a latent is."""
