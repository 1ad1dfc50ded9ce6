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
        "eta": 0.0,
    }
