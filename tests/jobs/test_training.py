"""Training as jobs: what is refused when it is asked for, and how runs go through the queue."""

import pytest
from PIL import Image
from safetensors.torch import save_file
from torch import zeros

from tests import tiny
from tests.serving import wait_until
from webui.catalog import catalog as catalogs
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import BUILT_IN_CHECKPOINTS
from webui.engine.protocol import Picture
from webui.inputs.datasets import Datasets
from webui.jobs.events import EventBus
from webui.jobs.outputs import Outputs
from webui.jobs.service import Jobs
from webui.jobs.store import JobStore
from webui.jobs.training import Trainings, suited, untrainable
from webui.jobs.worker import Worker
from webui.params import GenerationParams, InvalidParamsError
from webui.params.training import TrainParams
from webui.training.runs import MARK, Run

WORD = "Textual inversion"


class Teacher:
    """An engine that trains without learning. It makes a file and a sample at each step."""

    def __init__(self):
        self.trainings = []
        self.order = []

    def warm_up(self, checkpoint, report): ...

    def preload(self, order): ...

    def draw(self, order, observer):
        self.order.append(order.params.prompt)
        observer.picture(Picture(Image.new("RGB", (8, 8)), order.seed, "a picture"))

    def train(self, training, observer):
        self.trainings.append(training)
        self.order.append(training.train.name)
        run = Run.begun(training.folder, training.train, training.order.checkpoint.name)
        done = run.card.step
        observer.step(1, done, training.train.steps)
        while done < training.train.steps and not observer.interrupted():
            done += 1
            run.log([(done, 1 / done)])
            run = run.at(done)
            training.result.parent.mkdir(parents=True, exist_ok=True)
            metadata = {MARK: run.card.id}
            save_file({"lora_unet_x.lora_down.weight": zeros(1, 1)}, training.result, metadata)
            observer.picture(Picture(Image.new("RGB", (8, 8)), training.order.seed, "a sample"))
            observer.step(1, done, training.train.steps)


class School:
    """Queue, worker and datasets in one folder."""

    def __init__(self, folder):
        self.folder, self.models = folder, folder / "models"
        folders = [
            ModelFolder(BUILT_IN_CHECKPOINTS),
            ModelFolder(self.models / "Stable-diffusion"),
            ModelFolder(self.models / "Lora", ("lora",)),
            ModelFolder(self.models / "embeddings", ("embedding",)),
        ]
        self.catalog = Catalog(folders, ModelIndex(), ModelSettingsStore())
        self.datasets = Datasets(folder / "datasets")
        self.turn = 0
        self.trainings = Trainings(
            self.catalog, self.datasets, folder / "training", self.models, lambda: self.turn
        )
        self.store, self.bus = JobStore(folder / "jobs.sqlite3"), EventBus()
        outputs = Outputs(folder / "outputs")
        self.jobs = Jobs(self.store, self.bus, self.catalog, trainings=self.trainings)
        self.engine = Teacher()
        self.worker = Worker(self.jobs, self.bus, outputs, self.catalog, lambda: self.engine)

    def submit(self, owner="me", sample=None, **fields):
        train = TrainParams(**{"name": "dots", "dataset": "cats", "steps": 3, **fields})
        return self.jobs.submit(owner, GenerationParams(train=train, **(sample or {})))

    def ended(self, job):
        return wait_until(lambda: (found := self.jobs.get(job.owner, job.id)).ended and found)

    def refused(self, **fields):
        with pytest.raises(InvalidParamsError) as caught:
            self.submit(**fields)
        return caught.value.field, str(caught.value)


@pytest.fixture
def school(tmp_path):
    school = School(tmp_path)
    school.datasets.make("cats")
    Image.new("RGB", (8, 8)).save(tmp_path / "datasets/cats/tom.png")
    (tmp_path / "datasets/cats/tom.txt").write_text("a cat\n")
    yield school
    school.worker.stop()
    school.store.close()


@pytest.fixture
def open_school(school):
    school.worker.start()
    return school


def test_a_run_goes_through_the_queue(open_school):
    job = open_school.submit(sample={"seed": 7})
    done = open_school.ended(job)
    assert (done.state, done.params.kind, done.image_count) == ("done", "train", 3)
    assert all(picture.file.startswith("training-images/") for picture in done.pictures)
    training = open_school.engine.trainings[0]
    assert training.order.checkpoint.name == "darkroom-demo"
    assert training.order.seed == 7
    assert [(each.file.name, each.caption) for each in training.pictures] == [("tom.png", "a cat")]
    assert training.result == open_school.models / "Lora" / "dots.safetensors"
    assert open_school.jobs.progress(done) == {}


def picture(school, prompt, owner="you"):
    return school.jobs.submit(owner, GenerationParams(prompt=prompt, width=64, height=64))


def test_a_run_gives_way_to_those_who_wait_and_goes_on(school):
    school.turn = 1e-9
    run = school.submit(steps=5, resume=False)
    pictures = [picture(school, prompt) for prompt in "abc"]
    school.worker.start()
    done = school.ended(run)
    assert [school.ended(job).state for job in pictures] == ["done"] * 3
    # Each turn brings it a step on.
    assert school.engine.order == ["dots", "a", "dots", "b", "dots", "c", "dots"]
    assert [training.train.resume for training in school.engine.trainings] == [False, True, True, True]
    assert (done.state, done.image_count) == ("done", 5)
    assert [picture.number for picture in done.pictures] == [0, 1, 2, 3, 4]
    assert [step for step, _ in school.trainings.run("dots").losses()] == [1, 2, 3, 4, 5]


def test_where_nobody_waits_a_run_goes_on_to_its_end(school):
    school.turn = 1e-9
    run = school.submit(steps=5)
    school.worker.start()
    school.ended(run)
    assert school.engine.order == ["dots"]


def test_trainings_do_not_give_way_to_one_another(school):
    school.turn = 1e-9
    runs = [school.submit("me"), school.submit("you", name="other")]
    school.worker.start()
    assert [school.ended(run).state for run in runs] == ["done", "done"]
    assert school.engine.order == ["dots", "other"]


def test_turns_may_be_endless(school):
    run, job = school.submit(steps=5), picture(school, "a")
    school.worker.start()
    assert school.ended(run).finished <= school.ended(job).finished
    assert school.engine.order == ["dots", "a"]


def test_a_run_that_has_given_way_is_shown_waiting_and_can_be_taken_out(school):
    school.turn = 1e-9
    run = school.submit(steps=5)
    picture(school, "a")
    seen = []

    def look(order, observer):
        seen.append((school.jobs.training_runs("me")[0], school.jobs.progress(run)))
        school.jobs.interrupt("me", run.id)

    school.engine.draw = look
    school.worker.start()
    done = school.ended(run)
    assert (seen[0][0].state, seen[0][0].step) == ("queued", 1)
    assert (seen[0][1]["state"], seen[0][1]["position"]) == ("queued", 1)
    assert (done.state, done.image_count) == ("interrupted", 1)
    assert school.engine.order == ["dots"]


def test_its_steps_are_the_jobs(school):
    job = school.submit()
    progress = school.jobs.progress(job)
    assert (progress["step"], progress["steps"], progress["n_iter"]) == (0, 3, 1)


def test_samples_are_drawn_as_asked_and_say_the_network(school):
    sample = {"prompt": "a cat", "width": 64, "height": 64, "steps": 7}
    params = school.submit(sample=sample).params
    assert (params.prompt, params.width, params.steps) == ("a cat <lora:dots:1>", 64, 7)
    assert params.sampler_name == "DPM++ 2M"
    assert school.submit(name="b", trigger="catty").params.prompt == "catty <lora:b:1>"
    word = {"kind": "Textual inversion", "name": "tomword"}
    assert school.submit(**word).params.prompt == "tomword"
    assert school.submit(**word, sample={"prompt": "a photo"}).params.prompt == "a photo, tomword"


def test_what_a_sample_cant_have_is_left_out(school):
    params = school.submit(
        sample={"init_images": ["0" * 32], "n_iter": 9, "batch_size": 4, "enable_hr": True}
    ).params
    assert (params.init_images, params.n_iter, params.batch_size, params.hires) == ((), 1, 1, False)


def test_a_run_that_was_stopped_goes_on(open_school):
    done = open_school.ended(open_school.submit())
    assert open_school.jobs.training_runs("me")[0].state == "done"
    field, sentence = open_school.refused()
    assert (field, "has done 3 steps" in sentence) == ("train.steps", True)
    more = open_school.ended(open_school.submit(steps=5))
    assert more.image_count == 2
    anew = open_school.ended(open_school.submit(resume=False))
    assert anew.image_count == 3
    assert done.id != more.id != anew.id


def test_runs_are_listed(open_school):
    assert open_school.jobs.training_runs("me") == []
    job = open_school.ended(open_school.submit())
    mine, theirs = (open_school.jobs.training_runs(owner)[0] for owner in ("me", "you"))
    assert (mine.name, mine.kind, mine.state, mine.step, mine.steps) == ("dots", "LoRA", "done", 3, 3)
    assert (mine.job, mine.file, mine.checkpoint) == (job.id, "dots.safetensors", "darkroom-demo")
    assert theirs.job is None
    open_school.submit(name="word", kind="Textual inversion", steps=1)
    assert [run.name for run in open_school.jobs.training_runs("me")] == ["word", "dots"]


def test_with_other_settings_a_run_cant_go_on(open_school):
    open_school.ended(open_school.submit())
    field, sentence = open_school.refused(steps=9, rank=16, learning_rate=1e-3)
    assert field == "train.name"
    assert "Learning rate, Network rank" in sentence
    assert open_school.submit(steps=9, rank=16, resume=False)


def test_a_name_that_is_another_files_is_refused(school):
    folder = school.models / "Lora" / "people"
    folder.mkdir(parents=True)
    save_file({"lora_unet_x.lora_down.weight": zeros(1, 1)}, folder / "Tom.safetensors")
    school.catalog.refresh()
    assert school.refused(name="tom")[0] == "train.name"
    save_file({"lora_unet_x.lora_down.weight": zeros(1, 1)}, school.models / "Lora" / "dots.safetensors")
    field, sentence = school.refused()
    assert (field, "which this run has not made" in sentence) == ("train.name", True)
    # Embeddings are named apart from LoRAs.
    assert school.submit(kind="Textual inversion")


def test_a_file_that_has_only_just_come_is_known(school, monkeypatch):
    monkeypatch.setattr(catalogs, "SELDOM", 0)
    monkeypatch.setattr(catalogs, "PATIENCE", 0)
    with pytest.raises(InvalidParamsError):
        school.jobs.submit("me", GenerationParams(checkpoint="new"))
    (school.models / "Stable-diffusion").mkdir(parents=True)
    tiny.write_sd1(school.models / "Stable-diffusion" / "new.safetensors")
    job = school.jobs.submit("me", GenerationParams(checkpoint="new"))
    assert job.params.checkpoint == "new.safetensors"


def test_datasets_are_looked_at(school):
    assert school.refused(dataset="dogs")[0] == "train.dataset"
    school.datasets.make("empty")
    field, sentence = school.refused(dataset="empty")
    assert (field, "no pictures" in sentence) == ("train.dataset", True)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x"])
def test_names_are_names_of_files(name):
    with pytest.raises(ValueError, match="name"):
        TrainParams(name=name, dataset="cats")


def test_only_families_that_can_be_trained_are(school):
    folder = school.models / "Stable-diffusion"
    folder.mkdir(parents=True)
    tiny.write_sdxl_refiner(folder / "refiner.safetensors")
    tiny.write_sdxl(folder / "xl.safetensors")
    school.catalog.refresh()
    field, sentence = school.refused(sample={"checkpoint": "refiner"})
    assert (field, "can't be trained" in sentence) == ("checkpoint", True)
    assert school.submit(sample={"checkpoint": "xl"})
    assert untrainable(school.catalog.find("xl")) is None
    assert suited(school.catalog.find("xl"), "LoRA") == {"resolution": 1024}
    demo = school.catalog.find("darkroom-demo")
    assert suited(demo, "LoRA")["resolution"] == 128
    assert suited(demo, "Textual inversion")["learning_rate"] > suited(demo, "LoRA")["learning_rate"]


def test_the_rate_follows_what_is_made():
    rates = {kind: TrainParams(kind=kind, name="x", dataset="x").learning_rate for kind in ("LoRA", WORD)}
    assert rates == {"LoRA": 1e-4, WORD: 5e-3}
    assert TrainParams(kind=WORD, name="x", dataset="x", learning_rate=0.1).learning_rate == 0.1


def test_an_interrupted_run_is_told_so(school):
    job = school.submit(steps=100_000)
    school.worker.start()
    wait_until(lambda: school.engine.trainings)
    school.jobs.interrupt("me", job.id)
    assert school.ended(job).state == "interrupted"
    run = school.jobs.training_runs("me")[0]
    assert (run.state, 0 <= run.step < 100_000) == ("stopped", True)


def test_a_dataset_may_go_before_its_turn_comes(school):
    job = school.submit()
    school.datasets.remove("cats")
    school.worker.start()
    ended = school.ended(job)
    assert (ended.state, "no dataset" in ended.error) == ("failed", True)
    assert school.jobs.training_runs("me")[0].state == "failed"


def test_where_nothing_is_trained_it_is_said(tmp_path, catalog):
    store = JobStore(tmp_path / "jobs.sqlite3")
    jobs = Jobs(store, EventBus(), catalog)
    with pytest.raises(InvalidParamsError, match="Nothing can be trained here"):
        jobs.submit("me", GenerationParams(train=TrainParams(name="a", dataset="b")))
    assert jobs.training_runs("me") == []
    store.close()
