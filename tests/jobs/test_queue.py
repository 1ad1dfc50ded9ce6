from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from webui.jobs.model import Job
from webui.jobs.queue import fair_order
from webui.params import GenerationParams
from webui.params.training import TrainParams

PARAMS = GenerationParams()

owners = st.sampled_from("abcd")
queues = st.lists(owners, max_size=25)
histories = st.dictionaries(owners, st.integers(min_value=0, max_value=50))


def jobs_of(names):
    return [Job(str(number), owner, "queued", PARAMS, 0, 0.0) for number, owner in enumerate(names)]


def order(names, last_served=None):
    return "".join(job.owner + job.id for job in fair_order(jobs_of(names), last_served or {}))


def test_owners_take_turns():
    assert order("aaab") == "a0b3a1a2"
    assert order("aabbc") == "a0b2c4a1b3"


def test_each_owner_is_served_oldest_first():
    assert order("aaa") == "a0a1a2"


def test_who_was_served_longest_ago_comes_first():
    assert order("aab", {"a": 7, "b": 3}) == "b2a0a1"
    assert order("aab", {"a": 7}) == "b2a0a1"  # never served at all


def test_a_training_lets_its_owners_pictures_go_first():
    training, *pictures = jobs_of("aab")
    params = GenerationParams(train=TrainParams(name="x", dataset="x"))
    queued = [replace(training, params=params), *pictures]
    assert [job.id for job in fair_order(queued, {})] == ["1", "2", "0"]


def test_nothing_waits():
    assert fair_order([], {"a": 1}) == []


@given(queues, histories)
def test_every_job_runs_once(names, last_served):
    queued = jobs_of(names)
    assert sorted(fair_order(queued, last_served), key=lambda job: int(job.id)) == queued


@given(queues, histories)
def test_an_owners_jobs_keep_their_order(names, last_served):
    ordered = fair_order(jobs_of(names), last_served)
    for owner in "abcd":
        ids = [int(job.id) for job in ordered if job.owner == owner]
        assert ids == sorted(ids)


@given(queues, histories)
def test_nobody_gets_two_before_another_who_waits_gets_one(names, last_served):
    ordered = [job.owner for job in fair_order(jobs_of(names), last_served)]
    for place, owner in enumerate(ordered):
        waiting = set(ordered[place:])
        served = {other: ordered[:place].count(other) for other in waiting}
        assert served[owner] == min(served.values())


@given(queues.filter(bool), histories)
def test_taking_job_by_job_is_as_fair_as_the_order_told(names, last_served):
    """The order that people are told is the one in which the worker, asking anew each time, takes jobs."""
    queued, served = jobs_of(names), dict(last_served)
    told, taken = fair_order(queued, served), []
    turn = max(served.values(), default=0)
    while queued:
        job = fair_order(queued, served)[0]
        queued.remove(job)
        taken.append(job)
        turn += 1
        served[job.owner] = turn
    assert taken == told


@given(st.lists(st.tuples(owners, st.booleans()), max_size=25), histories)
def test_live_jobs_come_before_ones_others_and_change_no_ones_turn(queued, last_served):
    plain = jobs_of([owner for owner, _ in queued])
    painted = [replace(job, live="x" * live) for job, (_, live) in zip(plain, queued, strict=True)]
    ordered = fair_order(painted, last_served)
    assert [job.owner for job in ordered] == [job.owner for job in fair_order(plain, last_served)]
    for owner in "abcd":
        live = [bool(job.live) for job in ordered if job.owner == owner]
        assert live == sorted(live, reverse=True)
