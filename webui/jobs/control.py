"""What can be asked of a job while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Control:
    """What a running job has been asked to do."""

    interrupted: bool = False
    skipped: bool = False
