"""Live painting: only the newest of each canvas is drawn, and nothing of it is kept."""

import threading

import pytest

from tests.jobs.test_worker import Painter, Room
from tests.serving import wait_until
from webui.jobs import live
from webui.jobs.service import UnknownJobError
from webui.params import InvalidParamsError
from webui.params.scripts import XYZPlot


@pytest.fixture
def room(tmp_path, catalog):
    """Its worker doesn't run yet."""
    room = Room(tmp_path, catalog, Painter)
    yield room
    room.worker.stop()
    room.store.close()


def files(room):
    return sorted(path.name for path in room.outputs._live.glob("*"))


def is_gone(room, job):
    try:
        room.get(job)
    except UnknownJobError:
        return True
    return False


def run(room, job):
    taken, control = room.jobs.take()
    assert taken.id == job.id
    room.worker._engine = room.worker._engine or Painter()
    room.worker._draw(taken, control)
    return room.get(job)


def test_a_newer_one_takes_the_place_of_one_that_waits(room):
    first = room.submit(live="canvas")
    channel = room.bus.get(first.id)
    second = room.submit(live="canvas")
    assert is_gone(room, first)
    assert [(event.kind, event.data) for event in channel.since(0)][-1] == (
        "end",
        {"state": "interrupted", "error": None},
    )
    assert room.jobs.channel(first).since(0)[-1].data["state"] == "interrupted"
    assert [job.id for job in room.jobs.listed("me")] == [second.id]


def test_each_canvas_and_each_owner_has_its_own(room):
    jobs = [room.submit(live="one"), room.submit(live="two"), room.submit()]
    others = room.jobs.submit("you", jobs[0].params, live="one")
    room.submit(live="three")
    assert not any(is_gone(room, job) for job in jobs)
    assert room.jobs.get("you", others.id).state == "queued"


def test_it_comes_before_ones_other_jobs_and_not_before_others(room):
    mine, yours = room.submit(), room.jobs.submit("you", room.submit().params)
    painted = room.submit(live="canvas")
    order = [room.jobs.take()[0].id for _ in range(3)]
    assert order[0] == painted.id
    assert order[1] == yours.id
    assert order[2] == mine.id


def test_twenty_quick_ones_draw_two_at_most(room):
    room.worker.start()
    first = room.submit("slow_to_decode", live="canvas")
    room.in_step()
    jobs = [room.submit(live="canvas") for _ in range(20)]
    room.engine.go_on.set()
    last = room.ended(jobs[-1])
    assert last.state == "done"
    assert len(room.engine.orders) == 2
    assert all(is_gone(room, job) for job in (first, *jobs[:-1]))


def test_what_runs_is_never_interrupted(room):
    running = room.submit(live="canvas")
    taken, control = room.jobs.take()
    room.submit(live="canvas")
    assert taken.id == running.id
    assert not control.interrupted
    assert room.get(running).state == "running"


def test_its_pictures_are_shown_and_not_kept(room):
    done = run(room, room.submit(live="canvas"))
    [picture] = done.pictures
    path = room.outputs.path(picture.file)
    assert path.name in files(room)
    assert not path.is_relative_to(room.outputs.folder)
    assert not list(room.outputs.folder.rglob("*.png"))
    assert room.jobs.listed("me") == []

    second = run(room, room.submit(live="canvas"))
    assert is_gone(room, done)
    assert files(room) == [room.outputs.path(second.pictures[0].file).name]
    assert room.bus.get(done.id) is None


def test_one_that_failed_leaves_the_last_picture(room):
    done = run(room, room.submit(live="canvas"))
    failed = run(room, room.submit("refuse", live="canvas"))
    assert failed.state == "failed"
    assert room.outputs.path(room.get(done).pictures[0].file)
    run(room, room.submit(live="canvas"))
    assert is_gone(room, done)
    assert is_gone(room, failed)


def test_one_that_was_cancelled_goes_with_the_next(room):
    waiting = room.submit(live="canvas")
    assert room.jobs.interrupt("me", waiting.id).state == "interrupted"
    run(room, room.submit(live="canvas"))
    assert is_gone(room, waiting)


def test_after_an_hour_it_goes(room, monkeypatch):
    done = run(room, room.submit(live="canvas"))
    monkeypatch.setattr(live, "MAX_SECONDS", -1)
    other = run(room, room.submit(live="another"))
    assert is_gone(room, done)
    assert files(room) == [room.outputs.path(other.pictures[0].file).name]


def test_after_an_hour_it_goes_with_any_job(room, monkeypatch):
    done = run(room, room.submit(live="canvas"))
    plain = room.submit()
    monkeypatch.setattr(live, "MAX_SECONDS", -1)
    taken, _ = room.jobs.take()
    assert (taken.id, files(room)) == (plain.id, [])
    assert is_gone(room, done)


def test_within_an_hour_it_stays(room):
    done = run(room, room.submit(live="canvas"))
    run(room, room.submit())
    assert files(room) == [room.outputs.path(done.pictures[0].file).name]


def test_an_older_wish_does_not_take_a_newer_ones_place(room, monkeypatch):
    """The older has a picture that takes long to read."""
    newer, settle = [], room.jobs.tasks.settle

    def overtaken(*args, **options):
        if not newer:
            newer.append(None)
            newer[0] = room.submit(live="canvas")
        return settle(*args, **options)

    monkeypatch.setattr(room.jobs.tasks, "settle", overtaken)
    older = room.submit(live="canvas")
    assert older.state == "interrupted"
    assert is_gone(room, older)
    assert [job.id for job in room.store.queued()] == [newer[0].id]


def test_scripts_are_refused(room):
    with pytest.raises(InvalidParamsError, match=r"runs no scripts.*\. Choose none\.") as refused:
        room.submit(live="canvas", script=XYZPlot(x_axis="Steps", x_values="1,2"))
    assert refused.value.field == "script"
    assert room.store.queued() == []


def test_what_is_left_from_before_a_restart_goes(room, tmp_path, catalog):
    done = run(room, room.submit(live="canvas"))
    cut_off = room.submit(live="another")
    room.jobs.take()
    waiting, kept = room.submit(live="canvas"), room.submit()
    (room.outputs._live / ".0.1.part").touch()
    room.store.close()
    again = Room(tmp_path, catalog, Painter)
    assert all(is_gone(again, job) for job in (done, cut_off, waiting))
    assert files(again) == []
    assert [job.id for job in again.jobs.listed("me")] == [kept.id]
    again.store.close()


def test_an_ordinary_job_is_never_taken_out(room):
    job = room.submit()
    room.submit(live="canvas")
    room.submit()
    assert room.get(job).state == "queued"


def test_a_live_picture_is_kept_once_a_job_starts_from_it(room):
    done = run(room, room.submit(live="canvas"))
    job = room.submit(init_images=[f"{done.id}/0"])
    [name] = job.params.init_images
    assert room.inputs.look("me", name).width == 8
    run(room, room.submit(live="canvas"))
    assert is_gone(room, done)
    assert run(room, job).state == "done"


def test_past_prompts_hold_none(room):
    run(room, room.submit("paint", live="canvas"))
    assert room.jobs.prompts("me") == []


def test_many_may_paint_at_once(room):
    """Askers beside a worker: in the end each canvas has one picture."""
    room.worker.start()

    def paint(key):
        for _ in range(15):
            room.submit(live=key)

    threads = [threading.Thread(target=paint, args=(key,)) for key in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: not room.store.queued() and not room.jobs.drawing)
    assert len(room.store.live()) == 3
    assert len(files(room)) == 3
