"""Training runs on disk: what each was asked for, how far it is, and how its loss went. No torch here."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from webui.params.training import TrainParams

CARD = "run.json"
LOSSES = "losses.jsonl"
STATE = "state.safetensors"
MARK = "darkroom_run"
"""In the header of a run's result: which run has made it."""


class Card(BaseModel):
    """What is kept of a run."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    train: TrainParams
    checkpoint: str
    step: int = 0
    """How many steps are done and kept."""


@dataclass(frozen=True)
class Run:
    """A run's folder. Only the run itself writes there."""

    folder: Path
    card: Card

    @classmethod
    def begun(cls, folder: Path, train: TrainParams, checkpoint: str) -> Run:
        """The run in `folder` where it is to go on, else a new one in its place.

        Raises:
            OSError: the folder can't be written to.
        """
        known = find_run(folder) if train.resume else None
        card = known.card if known else Card(id=uuid.uuid4().hex, train=train, checkpoint=checkpoint)
        run = cls(folder, card.model_copy(update={"train": train}))
        folder.mkdir(parents=True, exist_ok=True)
        if known is None:
            for name in (STATE, LOSSES):
                (folder / name).unlink(missing_ok=True)
        return run.at(card.step)

    def at(self, step: int) -> Run:
        """The run, with so many steps done; losses of later ones are forgotten.

        Raises:
            OSError: the disk is full or can't be written to.
        """
        run = replace(self, card=self.card.model_copy(update={"step": step}))
        _write(self.folder / CARD, run.card.model_dump_json(indent=1))
        return run

    def log(self, losses: Sequence[tuple[int, float]]) -> None:
        """Keep losses of steps.

        Raises:
            OSError: the disk is full or can't be written to.
        """
        lines = "".join(f"{json.dumps([step, round(loss, 6)])}\n" for step, loss in losses)
        with (self.folder / LOSSES).open("a", encoding="utf-8") as stream:
            stream.write(lines)

    def losses(self) -> list[tuple[int, float]]:
        """The loss of each step, from 1; of a step that was done twice, the later."""
        return sorted(dict(_losses(self.folder / LOSSES)).items())


def find_run(folder: Path) -> Run | None:
    """The run that is kept in `folder`; None: there is none that can be read."""
    try:
        return Run(folder, Card.model_validate_json((folder / CARD).read_bytes()))
    except (OSError, ValidationError):
        return None


def thinned(losses: Sequence[tuple[int, float]], points: int) -> list[tuple[int, float]]:
    """At most `points` of them, each the mean of its neighbours and at the last one's step."""
    size = max(1, -(-len(losses) // points))
    groups = [losses[start : start + size] for start in range(0, len(losses), size)]
    return [(group[-1][0], sum(loss for _, loss in group) / len(group)) for group in groups]


def _losses(file: Path) -> Iterator[tuple[int, float]]:
    if not file.is_file():
        return
    with file.open(encoding="utf-8") as stream:
        for line in stream:
            try:
                step, loss = json.loads(line)
                yield int(step), float(loss)
            except (ValueError, TypeError):  # cut off by a power cut
                continue


def _write(file: Path, text: str) -> None:
    unfinished = file.with_name(f".{file.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)
