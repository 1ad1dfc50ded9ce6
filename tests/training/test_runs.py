from safetensors.torch import save_file
from torch import zeros

from webui.params.training import TrainParams
from webui.training.runs import LOSSES, STATE, Run, find_run, thinned

TRAIN = TrainParams(name="dots", dataset="x")


def test_a_run_is_found_again(tmp_path):
    run = Run.begun(tmp_path / "dots", TRAIN, "demo").at(20)
    found = find_run(tmp_path / "dots")
    assert found == run
    assert (found.card.step, found.card.checkpoint, found.card.train) == (20, "demo", TRAIN)


def test_it_goes_on_with_what_is_asked_for_now(tmp_path):
    first = Run.begun(tmp_path, TRAIN, "demo").at(20)
    longer = TRAIN.model_copy(update={"steps": 900})
    second = Run.begun(tmp_path, longer, "demo")
    assert (second.card.id, second.card.step, second.card.train.steps) == (first.card.id, 20, 900)


def test_begun_anew_nothing_is_left_of_it(tmp_path):
    first = Run.begun(tmp_path, TRAIN, "demo").at(20)
    first.log([(1, 0.5)])
    save_file({"x": zeros(1)}, tmp_path / STATE)
    second = Run.begun(tmp_path, TRAIN.model_copy(update={"resume": False}), "demo")
    assert second.card.id != first.card.id
    assert second.card.step == 0
    assert second.losses() == []
    assert not (tmp_path / STATE).exists()


def test_of_a_step_that_was_done_twice_the_later_loss_counts(tmp_path):
    run = Run.begun(tmp_path, TRAIN, "demo")
    run.log([(1, 0.5), (2, 0.4), (3, 0.3)])
    run.log([(2, 0.25)])
    assert run.losses() == [(1, 0.5), (2, 0.25), (3, 0.3)]


def test_what_a_power_cut_has_left_is_passed_by(tmp_path):
    run = Run.begun(tmp_path, TRAIN, "demo")
    run.log([(1, 0.5)])
    with (tmp_path / LOSSES).open("a") as stream:
        stream.write('[2, 0.\nnull\n["a", "b"]\n[3, 0.2]\n')
    assert run.losses() == [(1, 0.5), (3, 0.2)]
    (tmp_path / "run.json").write_text('{"id": "x"')
    assert find_run(tmp_path) is None


def test_losses_are_thinned_by_averaging():
    losses = [(step, float(step)) for step in range(1, 11)]
    assert thinned(losses, 100) == losses
    assert thinned(losses, 3) == [(4, 2.5), (8, 6.5), (10, 9.5)]
    assert thinned([], 3) == []
