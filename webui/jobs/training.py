"""Training as jobs: what may be trained on what, and the runs that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from webui.catalog.catalog import Catalog
from webui.catalog.entry import Family, Kind, ModelFile
from webui.catalog.headers import HeaderError, read_header
from webui.engine.protocol import Order, Training, TrainingPicture
from webui.inputs.datasets import DatasetError, Datasets, caption_of
from webui.jobs.control import Turn
from webui.jobs.model import Job
from webui.params import GenerationParams, InvalidParamsError
from webui.params.training import TrainKind, TrainParams
from webui.training.runs import MARK, Run, find_run

RunState = Literal["queued", "running", "done", "stopped", "failed"]
FOLDERS: dict[TrainKind, str] = {"LoRA": "Lora", "Textual inversion": "embeddings"}
KINDS: dict[TrainKind, Kind] = {"LoRA": "lora", "Textual inversion": "embedding"}
TRAINABLE: tuple[Family, ...] = ("sd1", "sd2", "sdxl")
RESOLUTIONS: dict[str, int] = {"sd1": 512, "sd2": 768, "sdxl": 1024}
QUICK_RATES: dict[TrainKind, float] = {"LoRA": 2e-3, "Textual inversion": 2e-2}
"""What small models learn with."""
NOT_FOR_SAMPLES = (
    *("init_images", "init_folder", "mask", "control", "regions", "script", "extras", "enable_hr"),
    *("firstpass_image", "refiner_checkpoint", "detailer", "n_iter", "batch_size"),
)
"""What a sample is drawn without: its job is to show what has been learned, again and again the same way."""


@dataclass(frozen=True)
class RunView:
    """A run as it stands. `job`: the asker's newest of it; `file`: the finished network, if there is one."""

    name: str
    kind: TrainKind
    checkpoint: str
    state: RunState
    step: int
    steps: int
    job: str | None
    file: str | None


class Trainings:
    """Training runs: their folders in `folder`, what they make in A1111's folders below `models`.

    `turn` tells how many seconds a run has at a time while others wait; 0: it runs to its end.
    """

    def __init__(
        self,
        catalog: Catalog,
        datasets: Datasets,
        folder: Path,
        models: Path,
        turn: Callable[[], float] = lambda: 0,
    ) -> None:
        self._catalog = catalog
        self._datasets = datasets
        self._folder = folder
        self._models = models
        self._turn = turn

    def turn(self) -> Turn:
        """A run's turn that begins now."""
        return Turn(self._turn())

    def asked(self, params: GenerationParams) -> GenerationParams:
        """A wish to train, without what a sample picture can't have."""
        own = {name: getattr(params, name) for name in params.model_fields_set - set(NOT_FOR_SAMPLES)}
        return GenerationParams.model_validate(own)

    def settled(self, params: GenerationParams, train: TrainParams) -> GenerationParams:
        """`params`, whose names are proper already, with the prompt that its samples are drawn with.

        Raises:
            InvalidParamsError: the checkpoint can't be trained, the dataset is empty or missing, or the name
                is taken; the text says the way out.
        """
        self._check_checkpoint(self._catalog.find(params.checkpoint))
        self._pictures(train)
        self._check_name(train)
        self._check_run(train, params.checkpoint)
        return params.changed(prompt=_sample_prompt(params.prompt, train))

    def training(self, order: Order, train: TrainParams) -> Training:
        """What the engine is given.

        Raises:
            InvalidParamsError: something has changed since it was asked for.
        """
        self._check_name(train)
        pictures = tuple(TrainingPicture(file, caption_of(file)) for file in self._pictures(train))
        return Training(order, train, pictures, self._folder / train.name, self._result(train))

    def run(self, name: str) -> Run | None:
        """The run of that name, if it has begun."""
        return next((run for run in self._runs() if run.folder.name == name), None)

    def listed(self, owner: str, jobs: Iterable[Job]) -> list[RunView]:
        """All runs, the newest first; `jobs` are everyone's that train, the newest first."""
        newest: dict[str, Job] = {}
        own: dict[str, str] = {}
        for job in jobs:
            if job.params.train:
                newest.setdefault(job.params.train.name, job)
                if job.owner == owner:
                    own.setdefault(job.params.train.name, job.id)
        runs = {run.folder.name: run for run in self._runs()}
        names = [*newest, *(name for name in runs if name not in newest)]
        return [self._view(name, runs.get(name), newest.get(name), own.get(name)) for name in names]

    def _view(self, name: str, run: Run | None, job: Job | None, own: str | None) -> RunView:
        train = job.params.train if job else None
        if train is None:
            assert run is not None
            train = run.card.train
        step = run.card.step if run else 0
        checkpoint = job.params.checkpoint if job else run.card.checkpoint if run else ""
        state = _state(job, finished=step >= train.steps)
        file = f"{name}.safetensors" if self._made_by(run, self._result(train)) else None
        return RunView(name, train.kind, checkpoint, state, min(step, train.steps), train.steps, own, file)

    def _runs(self) -> list[Run]:
        try:
            found = filter(None, map(find_run, self._folder.iterdir()))
            return sorted(found, key=lambda run: -run.folder.stat().st_mtime)
        except OSError:  # there is none yet
            return []

    def _result(self, train: TrainParams) -> Path:
        return self._models / FOLDERS[train.kind] / f"{train.name}.safetensors"

    def _check_checkpoint(self, checkpoint: ModelFile) -> None:
        if problem := untrainable(checkpoint):
            raise InvalidParamsError("checkpoint", problem)

    def _pictures(self, train: TrainParams) -> list[Path]:
        try:
            files = self._datasets.files(train.dataset)
        except DatasetError as error:
            raise InvalidParamsError("train.dataset", str(error)) from error
        if not files:
            raise InvalidParamsError(
                "train.dataset", f'The dataset "{train.dataset}" has no pictures yet. Add some first.'
            )
        return files

    def _check_name(self, train: TrainParams) -> None:
        """Refuse a name by which prompts mean something else already."""
        result = self._result(train)
        run = find_run(self._folder / train.name)
        alike = [
            file
            for file in self._catalog.files(KINDS[train.kind])
            if file.stem.lower() == train.name.lower() and file.path != result
        ]
        if alike or (result.exists() and not self._made_by(run, result)):
            what = alike[0].name if alike else result.name
            raise InvalidParamsError(
                "train.name", f'There is "{what}" already, which this run has not made. Choose another name.'
            )

    def _made_by(self, run: Run | None, result: Path) -> bool:
        if run is None:
            return False
        try:
            return read_header(result).metadata.get(MARK) == run.card.id
        except (HeaderError, OSError):
            return False

    def _check_run(self, train: TrainParams, checkpoint: str) -> None:
        """Refuse to go on with what can't be gone on with."""
        run = find_run(self._folder / train.name) if train.resume else None
        if run is None or not run.card.step:
            return
        other = [
            TrainParams.model_fields[name].title or name
            for name, value in train.told.items()
            if run.card.train.told[name] != value
        ]
        if run.card.checkpoint != checkpoint:
            other.append(f"the checkpoint ({run.card.checkpoint})")
        if other:
            raise InvalidParamsError(
                "train.name",
                f'The run "{train.name}" was begun with another value of {", ".join(other)}. '
                "Choose another name, set it as it was, or turn Resume off to begin anew.",
            )
        if run.card.step >= train.steps:
            raise InvalidParamsError(
                "train.steps",
                f'The run "{train.name}" has done {run.card.step} steps. '
                "Ask for more to go on, or turn Resume off to begin anew.",
            )


def untrainable(checkpoint: ModelFile) -> str | None:
    """Why a checkpoint can't be trained, in a sentence; None: it can."""
    if checkpoint.problem:
        return checkpoint.problem
    if checkpoint.identity.family not in TRAINABLE or checkpoint.identity.variant:
        return (
            f'"{checkpoint.name}" can\'t be trained here: LoRAs and embeddings are trained on SD 1.x, 2.x '
            "and SDXL checkpoints that draw from text. Choose one of those."
        )
    return None


def suited(checkpoint: ModelFile, kind: TrainKind) -> dict[str, Any]:
    """Fields of TrainParams as they suit a checkpoint, and what is to be made of it."""
    side = min(checkpoint.defaults.get("width", 0), checkpoint.defaults.get("height", 0))
    resolution = side or RESOLUTIONS.get(checkpoint.identity.family, 512)
    if resolution > 256:
        return {"resolution": resolution}
    # A small model learns quickly: a minute on two processors shows.
    return {
        "resolution": resolution,
        "steps": 150,
        "learning_rate": QUICK_RATES[kind],
        "lr_scheduler": "Cosine",
        "batch_size": 4,
        "sample_every": 50,
        "save_every": 50,
    }


def _sample_prompt(prompt: str, train: TrainParams) -> str:
    """What samples show, and how the finished network is asked for in a prompt."""
    said = prompt.strip() or train.trigger.strip() or train.name
    if train.kind == "Textual inversion":
        return said if train.name in said else f"{said}, {train.name}"
    return said if f"<lora:{train.name}:" in said else f"{said} <lora:{train.name}:1>"


def _state(job: Job | None, *, finished: bool) -> RunState:
    if job and job.state in ("queued", "running", "failed"):
        return job.state
    return "done" if finished else "stopped"
