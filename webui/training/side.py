"""What lies beside a trained network: A1111's user metadata, which tells the words to say with it."""

from __future__ import annotations

import json

from webui.engine.protocol import Training


def tell_usage(training: Training) -> None:
    """Write the trigger words beside a LoRA that has none told; what people have written is left.

    Raises:
        OSError: the folder can't be written to.
    """
    file, trigger = training.result.with_suffix(".json"), training.train.trigger.strip()
    if training.train.kind == "LoRA" and trigger and not file.exists():
        told = {"activation text": trigger, "preferred weight": 1.0}
        file.write_text(json.dumps(told, indent=1), encoding="utf-8")
