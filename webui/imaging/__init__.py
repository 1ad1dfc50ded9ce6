"""Pictures as Pillow has them: read safely, resized, masked, laid together. Nothing here imports torch."""
