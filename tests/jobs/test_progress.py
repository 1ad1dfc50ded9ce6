from hypothesis import given
from hypothesis import strategies as st

from webui.jobs.progress import Progress


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_no_estimate_before_the_first_step():
    progress = Progress([10])
    assert progress.phase("loading the checkpoint")["eta"] is None
    assert progress.step(1, 0, 10)["eta"] is None


def test_loading_does_not_count_into_the_estimate():
    clock = Clock()
    progress = Progress([10], clock)
    progress.phase("loading the checkpoint")
    clock.now += 60
    progress.step(1, 0, 10)
    clock.now += 4
    assert progress.step(1, 4, 10)["eta"] == 6.0


def test_the_estimate_counts_all_batches():
    clock = Clock()
    progress = Progress([10] * 3, clock)
    progress.step(1, 0, 10)
    clock.now += 10
    assert progress.step(1, 10, 10)["eta"] == 20.0
    progress.step(2, 0, 10)
    clock.now += 5
    assert progress.step(2, 5, 10)["eta"] == 15.0
    clock.now += 15
    progress.step(2, 10, 10)
    assert progress.step(3, 10, 10)["eta"] == 0.0


def test_the_estimate_counts_the_steps_of_all_cells():
    clock = Clock()
    progress = Progress([10, 10, 30], clock)
    progress.step(1, 0, 10)
    clock.now += 10
    assert progress.step(1, 10, 10)["eta"] == 40.0
    progress.step(3, 0, 30)
    clock.now += 10
    assert progress.step(3, 10, 30)["eta"] == 20.0


def test_samplers_that_take_more_steps_than_asked_do_so_in_later_batches():
    clock = Clock()
    progress = Progress([10, 10], clock)
    progress.step(1, 0, 19)
    clock.now += 19
    assert progress.step(1, 19, 19)["eta"] == 19.0


def test_skipped_steps_do_not_make_the_rest_look_quick():
    clock = Clock()
    progress = Progress([100] * 2, clock)
    progress.step(1, 0, 100)
    clock.now += 5
    progress.step(1, 5, 100)
    progress.step(2, 0, 100)
    clock.now += 5
    assert progress.step(2, 5, 100)["eta"] == 95.0


def test_a_phase_keeps_the_step():
    progress = Progress([10] * 2)
    progress.step(2, 0, 10)
    progress.step(2, 10, 10)
    assert progress.phase("decoding") == {
        "state": "running",
        "position": 0,
        "phase": "decoding",
        "step": 10,
        "steps": 10,
        "iteration": 2,
        "n_iter": 2,
        "share": 1.0,
        "eta": 0.0,
    }


def test_a_second_pass_that_takes_longer_is_reckoned_at_its_own_pace():
    clock = Clock()
    progress = Progress([20, 20], clock)
    for step in range(11):
        progress.step(1, step, 20)
        clock.now += 1
    clock.now += 30  # decoding and enlarging count for no step
    progress.step(1, 10, 20)
    for step in range(11, 20):
        clock.now += 4
        eta = progress.step(1, step, 20)["eta"]
        assert eta == 4.0 * (20 - step) + 4.0 * 20
    clock.now += 4
    progress.step(1, 20, 20)
    clock.now += 3
    progress.step(2, 0, 20)
    clock.now += 1
    assert progress.step(2, 1, 20)["eta"] == 19.0


def test_later_batches_are_reckoned_as_the_finished_ones_were():
    clock = Clock()
    progress = Progress([10] * 3, clock)
    progress.step(1, 0, 10)
    clock.now += 20
    progress.step(1, 10, 10)
    clock.now += 10
    progress.step(2, 0, 10)
    clock.now += 2
    assert progress.step(2, 1, 10)["eta"] == 2 * 9 + 3 * 10


def test_the_share_is_that_of_all_batches():
    progress = Progress([10] * 4)
    assert progress.state()["share"] == 0
    assert progress.step(1, 5, 10)["share"] == 0.125
    assert progress.step(3, 0, 10)["share"] == 0.5
    assert progress.step(4, 10, 10)["share"] == 1


def test_steps_that_come_in_addition_share_what_is_left():
    progress = Progress([10])
    assert progress.step(1, 8, 10)["share"] == 0.8
    assert progress.step(1, 8, 18)["share"] == 0.8
    assert progress.step(1, 13, 18)["share"] == 0.9
    assert progress.step(1, 18, 18)["share"] == 1


def test_a_batch_that_begins_anew_is_not_set_back():
    progress = Progress([10])
    progress.step(1, 6, 10)
    assert progress.step(1, 0, 10)["share"] == 0.6
    assert progress.step(1, 5, 10)["share"] == 0.8


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 50), st.integers(1, 50)), max_size=30))
def test_the_share_never_falls(told):
    progress, before = Progress([20] * 3), 0.0
    for iteration, step, steps in sorted(told, key=lambda one: one[0]):
        share = progress.step(iteration, min(step, steps), steps)["share"]
        assert before <= share <= iteration / 3 + 1e-4
        before = share
