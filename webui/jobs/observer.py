"""What the engine tells of a job, passed on to those who watch it, and its pictures saved."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from PIL import Image

from webui.engine.protocol import Picture
from webui.jobs.control import Control
from webui.jobs.events import Channel
from webui.jobs.model import Job, PictureKind, SavedPicture
from webui.jobs.outputs import Outputs, kind_of
from webui.jobs.progress import Progress
from webui.jobs.service import Jobs
from webui.jobs.tasks import Last


class JobObserver:
    """Tells a job's channel what the engine does. Implements `protocol.Observer`.

    The batches of all cells count as the job's: `before` is how many there were in the cells before this one.
    """

    def __init__(
        self,
        jobs: Jobs,
        job: Job,
        control: Control,
        channel: Channel,
        outputs: Outputs,
        rounds: Sequence[int],
        look_ahead: Callable[[], None],
    ) -> None:
        self._jobs = jobs
        self._job = job
        self._control = control
        self._channel = channel
        self._outputs = outputs
        self._look_ahead = look_ahead
        self._progress = Progress(rounds)
        # Of one that has given way before there are pictures already.
        self._first = jobs.next_number(job) if job.started else 0
        self.before = 0
        self.saved: list[SavedPicture] = []
        self.parents: tuple[str, ...] = ()
        """What the pictures of this cell are made from."""
        self.finish: Callable[[Image.Image], Image.Image] = lambda image: image
        """What is done to them before they are saved."""
        self.last: Last | None = None
        """The last finished picture."""

    def phase(self, text: str) -> None:
        """What is being done now."""
        self._channel.publish("progress", self._progress.phase(text))

    def step(self, iteration: int, step: int, steps: int) -> None:
        """A step of the cell's batch number `iteration`."""
        self._channel.publish("progress", self._progress.step(self.before + iteration, step, steps))
        self._look_ahead()
        if (turn := self._control.turn) and turn.over(step, steps):
            self._control.gave_way = self._jobs.others_wait

    def notice(self, text: str) -> None:
        """Something to know, told once."""
        if text not in self._channel.notices():
            self._channel.publish("notice", {"text": text})

    def wants_preview(self) -> bool:
        """Whether anyone watches."""
        return self._channel.watched

    def preview(self, jpegs: list[bytes]) -> None:
        """How the pictures of the batch look now."""
        images = ["data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii") for jpeg in jpegs]
        self._channel.publish("preview", {"images": images})

    def picture(self, picture: Picture) -> None:
        """A finished picture."""
        picture = replace(picture, image=self.finish(picture.image))
        folder = kind_of(self._job.params)
        live = self._job.live
        file = self._outputs.save_live(picture) if live else self._outputs.save(picture, f"{folder}-images")
        self._keep(file, picture.image, picture.seed, picture.infotext, "picture", self.parents)
        self.last = Last(picture.image, f"{self._job.id}/{self.saved[-1].number}")
        # A wish to skip that came while this batch was decoded is not meant for the next one.
        self._control.skipped = False

    def grid(self, image: Image.Image, seed: int, infotext: str) -> None:
        """A grid of finished pictures."""
        file = self._outputs.save_grid(image, infotext, f"{kind_of(self._job.params)}-grids")
        self._keep(file, image, seed, infotext, "grid")

    def _keep(
        self,
        file: str,
        image: Image.Image,
        seed: int,
        infotext: str,
        kind: PictureKind,
        parents: tuple[str, ...] = (),
    ) -> None:
        number, now = self._first + len(self.saved), time.time()
        saved = SavedPicture(number, file, seed, infotext, kind, *image.size, now, parents)
        self._jobs.drawn(self._job, saved)
        self.saved.append(saved)

    def interrupted(self) -> bool:
        """Whether to stop now."""
        return self._control.stopped

    def skipped(self) -> bool:
        """Whether to leave this batch. Asking takes the wish back."""
        skipped, self._control.skipped = self._control.skipped, False
        return skipped
