import asyncio
import threading

import pytest

from tests.serving import wait_until
from webui.catalog.entry import ModelFile
from webui.jobs import service
from webui.jobs.events import KEPT_CHANNELS, EventBus
from webui.jobs.model import SavedPicture
from webui.jobs.service import Jobs, QueueFullError, UnknownJobError
from webui.jobs.store import CUT_OFF, JobStore, StoreError
from webui.params import GenerationParams, InvalidParamsError

PICTURE = SavedPicture(0, "txt2img-images/2030-01-01/00000-5.png", 5, "a panda\nSteps: 4", created=9.5)


class Room:
    """A queue over a store, which can be left and entered again as by a restart."""

    def __init__(self, file, catalog):
        self.file, self.catalog = file, catalog
        self.enter()

    def enter(self):
        self.store, self.bus = JobStore(self.file), EventBus()
        self.jobs = Jobs(self.store, self.bus, self.catalog)

    def restart(self):
        self.store.close()
        self.enter()
        return self.jobs


@pytest.fixture
def room(tmp_path, catalog):
    room = Room(tmp_path / "jobs.sqlite3", catalog)
    yield room
    room.store.close()


@pytest.fixture
def jobs(room):
    return room.jobs


def submit(jobs, owner="me", **params):
    return jobs.submit(owner, GenerationParams(**params))


def position(jobs, job):
    return jobs.progress(jobs.get(job.owner, job.id))["position"]


def run_next(jobs, state="done"):
    job, _ = jobs.take()
    jobs.finish(job, state)
    return job


def events(jobs, job, after=0):
    """(kind, data) of an ended job's events."""

    async def read():
        channel = jobs.channel(jobs.get(job.owner, job.id))
        return [(event.kind, event.data) async for event in channel.watch(after)]

    return asyncio.run(asyncio.wait_for(read(), 5))


# Submitting


def test_what_is_left_out_follows_the_checkpoint(jobs, demo):
    params = submit(jobs, prompt="x", steps=5, sampler_name="k_euler", scheduler="karras").params
    assert (params.width, params.height, params.cfg_scale) == (128, 128, 4.0)
    assert (params.steps, params.sampler_name, params.scheduler) == (5, "Euler", "Karras")
    assert params.checkpoint == demo.name


def test_a_random_seed_is_settled_at_once(jobs):
    first, second = submit(jobs), submit(jobs)
    assert first.params.seed == second.params.seed == -1
    assert first.seed >= 0
    assert first.seed != second.seed
    assert jobs.get("me", first.id).seed == first.seed
    assert submit(jobs, seed=42).seed == 42
    assert submit(jobs, seed=0).seed == 0


@pytest.mark.parametrize("field", ["sampler_name", "scheduler", "checkpoint"])
def test_an_unknown_name_names_its_field(jobs, field):
    with pytest.raises(InvalidParamsError, match='"nonsense"') as refusal:
        submit(jobs, **{field: "nonsense"})
    assert refusal.value.field == field
    assert jobs.listed("me") == []


def test_too_large_together_with_the_checkpoints_own_size(room, monkeypatch):
    tall = ModelFile("tall", room.catalog.find("").path, defaults={"height": 8192})
    monkeypatch.setattr(room.catalog, "find", lambda _: tall)
    with pytest.raises(InvalidParamsError, match="Lower the width") as refusal:
        submit(room.jobs, width=8192, batch_size=2)
    assert refusal.value.field == "width"


def test_an_owner_may_have_only_so_many_waiting(jobs, monkeypatch):
    monkeypatch.setattr(service, "MAX_QUEUED", 3)
    for _ in range(3):
        last = submit(jobs)
    with pytest.raises(QueueFullError, match="3 jobs waiting"):
        submit(jobs)
    submit(jobs, owner="another")
    jobs.interrupt("me", last.id)
    submit(jobs)


def test_run_again_draws_the_same(jobs):
    job = submit(jobs, prompt="a panda", steps=3, n_iter=2)
    again = jobs.run_again("me", job.id)
    assert again.id != job.id
    assert (again.seed, again.params.seed) == (job.seed, job.seed)
    assert again.params == job.params.changed(seed=job.seed)


def test_run_again_keeps_the_random_variation(jobs):
    job = submit(jobs, subseed_strength=0.5)
    again = jobs.run_again("me", job.id)
    assert (again.seed, again.subseed) == (job.seed, job.subseed)
    assert job.subseed != submit(jobs).subseed
    assert submit(jobs, subseed=42).subseed == 42


def test_past_prompts_are_ones_own(jobs):
    submit(jobs, prompt="a panda")
    submit(jobs, owner="another", prompt="a secret")
    assert [past.prompt for past in jobs.prompts("me", "PANDA")] == ["a panda"]
    assert jobs.prompts("me", "secret") == []


# Owners


def test_one_picture_is_looked_up_by_itself(jobs):
    job = submit(jobs)
    saved = SavedPicture(3, "a.png", 1, "Seed: 1", created=1.0)
    jobs.drawn(job, saved)
    assert jobs.picture("me", job.id, 3) == saved
    assert jobs.picture("me", job.id, 4) is None
    for owner, job_id in (("you", job.id), ("me", "0" * 32)):
        with pytest.raises(UnknownJobError):
            jobs.picture(owner, job_id, 3)
    assert jobs.get("me", job.id, pictures=0).pictures == ()
    assert jobs.get("me", job.id).pictures == (saved,)


def test_anothers_job_is_unknown(jobs):
    job = submit(jobs, owner="me")
    for asked in (jobs.get, jobs.interrupt, jobs.skip, jobs.run_again):
        with pytest.raises(UnknownJobError):
            asked("another", job.id)
        with pytest.raises(UnknownJobError):
            asked("me", "nonsense")
    assert jobs.listed("another") == []
    assert [known.id for known in jobs.listed("me")] == [job.id]
    assert jobs.get("me", job.id).state == "queued"


# The queue moves


def test_positions_are_told_as_the_queue_moves(jobs):
    mine = [submit(jobs) for _ in range(3)]
    theirs = submit(jobs, owner="another")
    assert [position(jobs, job) for job in (*mine, theirs)] == [0, 2, 3, 1]

    running, _ = jobs.take()
    assert running.id == mine[0].id
    # Those who have just been served stand behind the others.
    assert [position(jobs, job) for job in (theirs, mine[1], mine[2])] == [1, 2, 3]
    jobs.finish(running, "done")
    assert [position(jobs, job) for job in (theirs, mine[1], mine[2])] == [0, 1, 2]
    jobs.interrupt("another", theirs.id)
    assert [position(jobs, job) for job in mine[1:]] == [0, 1]
    assert [run_next(jobs).id for _ in range(2)] == [mine[1].id, mine[2].id]


def test_take_waits_for_a_job(jobs):
    taken = []
    worker = threading.Thread(target=lambda: taken.append(jobs.take()))
    worker.start()
    job = submit(jobs)
    worker.join(5)
    assert taken[0][0].id == job.id
    assert jobs.get("me", job.id).state == "running"


def test_take_ends_when_the_queue_closes(jobs):
    taken = []
    worker = threading.Thread(target=lambda: taken.append(jobs.take()))
    worker.start()
    jobs.close()
    worker.join(5)
    assert taken == [None]
    submit(jobs)
    assert jobs.take() is None


# Interrupting


def test_interrupting_what_waits_takes_it_out(jobs):
    job, other = submit(jobs), submit(jobs)
    assert jobs.interrupt("me", job.id).state == "interrupted"
    assert jobs.get("me", job.id).error is None
    assert events(jobs, job)[-1] == ("end", {"state": "interrupted", "error": None})
    assert jobs.take()[0].id == other.id


def test_interrupting_what_runs_tells_the_worker(jobs):
    job = submit(jobs)
    taken, control = jobs.take()
    assert jobs.interrupt("me", job.id).state == "running"
    assert control.interrupted
    jobs.finish(taken, "interrupted")
    assert jobs.get("me", job.id).state == "interrupted"


def test_interrupting_what_is_over_changes_nothing(jobs):
    job = submit(jobs)
    run_next(jobs)
    before = jobs.get("me", job.id)
    assert jobs.interrupt("me", job.id) == before
    assert jobs.skip("me", job.id) == before
    assert [kind for kind, _ in events(jobs, job)].count("end") == 1


def test_skipping_is_for_what_runs(jobs):
    job, waiting = submit(jobs), submit(jobs)
    _, control = jobs.take()
    jobs.skip("me", waiting.id)
    assert not control.skipped
    jobs.skip("me", job.id)
    assert control.skipped
    assert not control.interrupted


def test_many_at_once(jobs):
    """Askers and a worker on threads of their own: every job ends once, and nothing hangs."""

    def ask(owner):
        for number in range(10):
            job = submit(jobs, owner)
            if number % 3 == 0:
                jobs.interrupt(owner, job.id)

    def work():
        while taken := jobs.take():
            jobs.finish(taken[0], "interrupted" if taken[1].interrupted else "done")

    worker = threading.Thread(target=work)
    askers = [threading.Thread(target=ask, args=(owner,)) for owner in "abc"]
    for thread in (worker, *askers):
        thread.start()
    for thread in askers:
        thread.join()
    everything = [job for owner in "abc" for job in jobs.listed(owner)]
    assert len(everything) == 30
    wait_until(lambda: all(jobs.get(job.owner, job.id).ended for job in everything))
    jobs.close()
    worker.join(5)
    assert [len([kind for kind, _ in events(jobs, job) if kind == "end"]) for job in everything] == [1] * 30


# After a restart


def test_what_waits_is_run_after_a_restart_and_what_ran_is_not(room):
    ran, first, second = (submit(room.jobs) for _ in range(3))
    room.jobs.take()
    room.jobs.drawn(ran, PICTURE)

    jobs = room.restart()
    cut_off = jobs.get("me", ran.id)
    assert (cut_off.state, cut_off.error, cut_off.pictures) == ("interrupted", CUT_OFF, (PICTURE,))
    assert [position(jobs, job) for job in (first, second)] == [0, 1]
    assert [run_next(jobs).id for _ in range(2)] == [first.id, second.id]
    assert jobs.run_again("me", ran.id).seed == ran.seed


def test_the_events_of_old_jobs_are_told_again(room):
    job = submit(room.jobs)
    room.jobs.take()
    room.jobs.drawn(job, PICTURE)
    image = ("image", {"number": 0, "seed": 5, "infotext": PICTURE.infotext, "kind": "picture"})
    seen = room.jobs.channel(job).since(0)[-1].id
    assert room.jobs.channel(job).since(seen) == []

    jobs = room.restart()
    end = ("end", {"state": "interrupted", "error": CUT_OFF})
    assert events(jobs, job) == [image, end]
    assert events(jobs, job, after=seen) == [
        image,
        end,
    ]  # numbers of the last process mean nothing in this one
    first = jobs.channel(jobs.get("me", job.id)).since(0)[0].id
    assert events(jobs, job, after=first) == [end]
    assert events(jobs, job, after=first + 1) == []


def test_a_job_looked_up_before_it_ended_is_not_said_to_have_ended_so(jobs):
    """Its channel may have been given up between the look-up and the watching."""
    looked_up = submit(jobs)
    run_next(jobs)
    for _ in range(KEPT_CHANNELS + 1):
        submit(jobs)
        run_next(jobs)
    channel = jobs.channel(looked_up)
    assert [event.data["state"] for event in channel.since(0)] == ["done"]


def test_a_job_looked_up_before_its_channel_was_opened_is_watched(room):
    job = submit(room.jobs)
    room.bus._channels.clear()  # as between the two halves of `submit`
    channel = room.jobs.channel(job)
    assert not channel.ended
    run_next(room.jobs)
    assert channel.ended


# A full disk


def test_a_full_disk_is_told_and_harms_no_waiting_job(tiny_disk, catalog):
    room = Room(tiny_disk.folder / "jobs.sqlite3", catalog)
    jobs = room.jobs
    first, second = submit(jobs), submit(jobs)
    tiny_disk.fill()
    with pytest.raises(StoreError, match="The disk is full"):
        [submit(jobs, prompt="x" * 10_000, owner="another") for _ in range(100)]
    for job in jobs.listed("another", 500):
        jobs.interrupt("another", job.id)

    taken, _ = jobs.take()
    assert taken.id == first.id
    jobs.finish(taken, "failed", "The disk is full.")
    assert jobs.get("me", first.id).error == "The disk is full."
    assert events(jobs, first)[-1] == ("end", {"state": "failed", "error": "The disk is full."})
    assert run_next(jobs).id == second.id
    room.store.close()
