import asyncio
import base64
import io
import threading

import pytest
from PIL import Image

from tests.serving import wait_until
from webui.catalog.library import Library
from webui.engine.local import LocalEngine
from webui.engine.protocol import EngineError, Picture
from webui.inputs.batches import BatchFolders
from webui.inputs.store import InputStore
from webui.jobs.events import EventBus
from webui.jobs.outputs import Outputs
from webui.jobs.pictures import Pictures
from webui.jobs.service import Jobs
from webui.jobs.store import CUT_OFF, JobStore
from webui.jobs.worker import Worker
from webui.params import GenerationParams


class Painter:
    """An engine that needs no model. A prompt may be the name of a method, which is called for each batch."""

    def __init__(self):
        self.stepped = threading.Event()
        self.go_on = threading.Event()
        self.read_ahead = []
        self.orders = []
        self.repairs = []

    def warm_up(self, checkpoint, report):
        report("mixing colours")

    def preload(self, order):
        self.read_ahead.append(order)

    def repair(self, repair, observer):
        self.repairs.append(repair)
        size = [round(side * repair.extras.upscaling_resize) for side in repair.image.size]
        observer.picture(Picture(repair.image.resize(size), 0, f"{repair.infotext} mended".strip()))

    def draw(self, order, observer):
        self.orders.append(order)
        observer.phase("sampling")
        for iteration in range(1, order.params.n_iter + 1):
            observer.step(iteration, 1, order.params.steps)
            if observer.interrupted():
                return
            if not observer.skipped():
                getattr(self, order.params.prompt or "paint")(order, observer, iteration)

    def paint(self, order, observer, iteration):
        first = order.seed + (iteration - 1) * order.params.batch_size
        for seed in range(first, first + order.params.batch_size):
            observer.picture(Picture(Image.new("RGB", (8, 8)), seed, f"Seed: {seed}"))

    def slow(self, order, observer, iteration):
        """Until the job is interrupted or skipped."""
        self.stepped.set()
        while not observer.interrupted() and not observer.skipped():
            self.go_on.wait(0.005)

    def slow_to_decode(self, order, observer, iteration):
        """Steps are done; `go_on` lets the picture come out."""
        self.stepped.set()
        self.go_on.wait(10)
        self.paint(order, observer, iteration)

    def break_down(self, order, observer, iteration):
        raise ZeroDivisionError("division by zero")

    def remark(self, order, observer, iteration):
        observer.notice("The lamp flickers.")
        self.paint(order, observer, iteration)

    def refuse(self, order, observer, iteration):
        raise EngineError("There isn't enough memory. Lower the width.")

    def break_down_at_third(self, order, observer, iteration):
        if iteration == 3:
            raise RuntimeError("lamp burnt out")
        self.paint(order, observer, iteration)


class Room:
    """Queue, worker and outputs in one folder, with whatever engine."""

    def __init__(self, folder, catalog, make_engine):
        self.engine = None
        self.catalog = catalog
        self.store, self.bus = JobStore(folder / "jobs.sqlite3"), EventBus()
        self.outputs = Outputs(folder / "outputs", live=folder / "live")
        self.inputs = InputStore(folder / "inputs")
        self.pictures = Pictures(self.store, self.outputs, self.inputs, BatchFolders(folder / "batch"))
        self.jobs = Jobs(self.store, self.bus, catalog, None, self.pictures)
        self.worker = Worker(self.jobs, self.bus, self.outputs, catalog, lambda: self.keep(make_engine()))

    def keep(self, engine):
        self.engine = engine
        return engine

    def submit(self, prompt="", live="", **params):
        return self.jobs.submit("me", GenerationParams(prompt=prompt, **params), live=live)

    def get(self, job):
        return self.jobs.get("me", job.id)

    def ended(self, job):
        wait_until(lambda: self.get(job).ended)
        return self.get(job)

    def in_step(self):
        wait_until(lambda: self.engine and self.engine.stepped.is_set())
        self.engine.stepped.clear()


@pytest.fixture
def enter(tmp_path, catalog):
    """Make a Room; its worker is started unless asked otherwise."""
    rooms = []

    def enter(make_engine=Painter, folder=tmp_path, start=True):
        room = Room(folder, catalog, make_engine)
        rooms.append(room)
        if start:
            room.worker.start()
        return room

    yield enter
    for room in rooms:
        room.worker.stop()
        room.store.close()


def test_jobs_are_drawn_and_their_pictures_saved(enter):
    room = enter()
    job = room.submit(seed=40, n_iter=2, batch_size=2)
    done = room.ended(job)
    assert (done.state, done.error) == ("done", None)
    assert [(picture.number, picture.seed) for picture in done.pictures] == [
        (0, 40),
        (1, 41),
        (2, 42),
        (3, 43),
    ]
    for picture in done.pictures:
        with Image.open(room.outputs.path(picture.file)) as image:
            assert image.info["parameters"] == picture.infotext == f"Seed: {picture.seed}"
    assert done.created < done.started < done.finished


def test_what_was_submitted_before_the_worker_began_is_drawn(enter):
    room = enter(start=False)
    job = room.submit()
    assert room.worker.status.state == "starting"
    room.worker.start()
    assert room.ended(job).state == "done"
    assert room.worker.status.state == "ready"


# Failures


def test_an_engine_that_breaks_down_fails_the_job_and_not_the_next(enter):
    room = enter()
    broken, refused, fine = room.submit("break_down"), room.submit("refuse"), room.submit()
    assert room.ended(broken).state == "failed"
    assert "ZeroDivisionError: division by zero" in room.ended(broken).error
    assert "log tells more" in room.ended(broken).error
    assert room.ended(refused).error == "There isn't enough memory. Lower the width."
    assert room.ended(fine).state == "done"


def test_pictures_that_were_finished_before_a_failure_are_kept(enter):
    room = enter()
    failed = room.ended(room.submit("break_down_at_third", seed=1, n_iter=5))
    assert failed.state == "failed"
    assert "lamp burnt out" in failed.error
    assert [picture.seed for picture in failed.pictures] == [1, 2]
    assert all(room.outputs.path(picture.file) for picture in failed.pictures)


def broken_factory():
    raise EngineError("The GPU has no memory left. Close what uses it.")


def missing_library():
    raise ImportError("libcudart.so.13 is missing")


@pytest.mark.parametrize(
    ("factory", "reason"),
    [(broken_factory, "The GPU has no memory left"), (missing_library, "libcudart.so.13 is missing")],
)
def test_without_an_engine_every_job_fails_with_the_reason(enter, factory, reason):
    room = enter(factory)
    for job in (room.submit(), room.submit()):
        failed = room.ended(job)
        assert failed.state == "failed"
        assert failed.error.startswith("The engine did not start: ")
        assert reason in failed.error
    assert room.worker.status.state == "failed"
    assert room.worker.status.detail == failed.error


class ColdPainter(Painter):
    def warm_up(self, checkpoint, report):
        raise RuntimeError("this checkpoint is damaged")


def test_failing_to_warm_up_leaves_the_engine_in_use(enter):
    room = enter(ColdPainter)
    assert room.ended(room.submit()).state == "done"
    assert room.worker.status.state == "ready"


def test_a_checkpoint_that_has_gone_fails_its_job(enter, catalog, monkeypatch):
    room = enter(start=False)
    job = room.submit()
    monkeypatch.setattr(catalog, "_library", Library())
    room.worker.start()
    assert "There is no checkpoint" in room.ended(job).error


# A full disk


def test_no_room_for_pictures_is_told_before_drawing(enter, tiny_disk):
    room = enter(folder=tiny_disk.folder)
    failed = room.ended(room.submit())
    assert failed.state == "failed"
    assert failed.error.startswith("The disk is full: ")


def test_a_disk_that_fills_up_while_drawing(enter, small_disk):
    class Hoarder(Painter):
        def fill_up(self, order, observer, iteration):
            self.paint(order, observer, iteration)
            if iteration == 2:
                small_disk.fill()

    room = enter(Hoarder, folder=small_disk.folder)
    job = room.submit("fill_up", n_iter=100)
    failed = room.ended(job)
    assert failed.state == "failed"
    assert failed.error.startswith("The disk is full")
    assert len(failed.pictures) >= 2
    assert not list(room.outputs.folder.rglob("*.part"))

    small_disk.empty()
    assert room.ended(room.submit()).state == "done"
    assert room.get(job) == failed
    assert room.worker.status.state == "ready"


# Interrupting, skipping, stopping


def test_interrupting_keeps_what_is_finished(enter):
    room = enter()
    job, waiting = room.submit("slow"), room.submit()
    room.in_step()
    room.jobs.interrupt("me", job.id)
    assert (room.ended(job).state, room.ended(job).error) == ("interrupted", None)
    assert room.ended(waiting).state == "done"


def test_interrupting_between_being_taken_and_being_drawn(enter):
    class Untouched(Painter):
        def draw(self, order, observer):
            raise AssertionError("nobody wants this any more")

    room = enter(Untouched, start=False)
    job = room.submit()
    taken, control = room.jobs.take()
    room.jobs.interrupt("me", job.id)
    room.worker._engine = Untouched()
    room.worker._draw(taken, control)
    assert room.get(job).state == "interrupted"


def test_interrupting_what_is_complete_leaves_it_done(enter):
    room = enter()
    job = room.submit("slow_to_decode")
    room.in_step()
    room.jobs.interrupt("me", job.id)
    room.engine.go_on.set()
    done = room.ended(job)
    assert (done.state, len(done.pictures)) == ("done", 1)


def test_the_next_jobs_checkpoint_is_read_ahead_once(enter):
    room = enter()
    job = room.submit("slow", n_iter=3)
    room.in_step()
    waiting = room.submit(seed=4)
    room.jobs.skip("me", job.id)
    room.in_step()
    room.jobs.interrupt("me", job.id)
    room.ended(job)
    assert [order.seed for order in room.engine.read_ahead] == [4]
    assert room.ended(waiting).state == "done"


def test_a_failure_to_read_ahead_is_logged_and_fails_no_job(enter, caplog):
    class Forgetful(Painter):
        def preload(self, order):
            raise OSError("the disk has gone")

    room = enter(Forgetful)
    job = room.submit("slow", n_iter=2)
    room.in_step()
    waiting = room.submit()
    room.jobs.skip("me", job.id)
    room.in_step()
    room.jobs.skip("me", job.id)
    assert room.ended(job).state == "done"
    assert room.ended(waiting).state == "done"
    assert "the disk has gone" in caplog.text


def test_what_the_engine_notices_is_told_once(enter):
    room = enter()
    job = room.submit("remark", n_iter=2)
    room.ended(job)
    assert room.jobs.notices(job) == ["The lamp flickers."]


def test_skipping_goes_on_with_the_next_batch(enter):
    room = enter()
    job = room.submit("slow", n_iter=3)
    for _ in range(3):
        room.in_step()
        room.jobs.skip("me", job.id)
    assert room.ended(job).state == "done"


def test_skipping_while_decoding_spares_the_next_batch(enter):
    room = enter()
    job = room.submit("slow_to_decode", n_iter=2)
    room.in_step()
    room.jobs.skip("me", job.id)
    room.engine.go_on.set()
    assert len(room.ended(job).pictures) == 2


def test_stopping_interrupts_what_runs_and_keeps_what_waits(enter, catalog):
    room = enter()
    running, waiting = room.submit("slow"), room.submit()
    room.in_step()
    room.worker.stop()
    assert (room.get(running).state, room.get(running).error) == ("interrupted", CUT_OFF)
    assert room.get(waiting).state == "queued"
    room.store.close()

    again = enter()
    assert again.ended(waiting).state == "done"
    assert again.get(running).state == "interrupted"


def test_stopping_does_not_wait_for_an_engine_that_still_starts(enter):
    begun, go_on = threading.Event(), threading.Event()

    def slow_factory():
        begun.set()
        go_on.wait(10)
        return Painter()

    room = enter(slow_factory)
    job = room.submit()
    begun.wait()
    stopping = threading.Thread(target=room.worker.stop)
    stopping.start()
    stopping.join(2)
    assert not stopping.is_alive()
    go_on.set()
    room.worker._thread.join(5)
    assert room.get(job).state == "queued"


def test_a_queue_that_can_no_longer_be_read_is_told(enter):
    room = enter()
    room.ended(room.submit())
    room.store.close()  # as if the file had been damaged
    with room.jobs._changed:
        room.jobs._changed.notify_all()
    wait_until(lambda: room.worker.status.state == "failed")
    assert "Restart Darkroom" in room.worker.status.detail


def test_previews_are_wanted_while_someone_watches(enter):
    wanted = []

    class Asker(Painter):
        def paint(self, order, observer, iteration):
            wanted.append(observer.wants_preview())
            super().paint(order, observer, iteration)

    async def watch(channel):
        async for _ in channel.watch():
            pass

    room = enter(Asker)
    room.ended(room.submit())
    job = room.submit("slow_to_decode")
    room.in_step()
    watcher = threading.Thread(target=lambda: asyncio.run(watch(room.bus.open(job.id))))
    watcher.start()
    wait_until(lambda: room.bus.open(job.id).watched)
    room.engine.go_on.set()
    watcher.join(10)
    assert wanted == [False, True]


# The real engine


def test_the_real_engine_draws_with_previews_while_watched(enter, config, catalog, engine):
    room = enter(lambda: engine, start=False)
    job = room.submit("a 3d panda on a blue background", steps=12, seed=3)
    channel = room.bus.open(job.id)
    heard = []

    def watch():
        async def read():
            async for event in channel.watch():
                heard.append(event)

        asyncio.run(read())

    watcher = threading.Thread(target=watch)
    watcher.start()
    wait_until(lambda: channel.watched)
    room.worker.start()
    watcher.join(60)

    assert isinstance(room.engine, LocalEngine)
    assert room.ended(job).state == "done"
    kinds = [event.kind for event in heard]
    assert kinds[-2:] == ["image", "end"]
    steps = [
        event.data["step"]
        for event in heard
        if event.kind == "progress" and event.data["phase"] == "sampling"
    ]
    assert steps == sorted(steps)
    assert steps[-1] == 12
    previews = [event.data["images"] for event in heard if event.kind == "preview"]
    assert previews
    for [preview] in previews:
        start, _, data = preview.partition(",")
        assert start == "data:image/jpeg;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).format == "JPEG"

    unwatched = room.submit("a 3d panda on a blue background", steps=12, seed=3)
    room.ended(unwatched)
    [first], [second] = room.get(job).pictures, room.get(unwatched).pictures
    assert first.infotext == second.infotext
    with (
        Image.open(room.outputs.path(first.file)) as one,
        Image.open(room.outputs.path(second.file)) as other,
    ):
        assert one.tobytes() == other.tobytes()
