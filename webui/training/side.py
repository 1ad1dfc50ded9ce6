"""What lies beside a trained network: A1111's user metadata, which tells the words to say with it."""

from __future__ import annotations

from webui.catalog.user_metadata import UserMetadata, metadata_file, write_metadata
from webui.engine.protocol import Training


def tell_usage(training: Training) -> None:
    """Write the trigger words beside a LoRA that has none told; what people have written is left.

    Raises:
        OSError: the folder can't be written to.
    """
    file, trigger = metadata_file(training.result), training.train.trigger.strip()
    if training.train.kind == "LoRA" and trigger and not file.exists():
        write_metadata(file, UserMetadata(activation_text=trigger, preferred_weight=1.0))
