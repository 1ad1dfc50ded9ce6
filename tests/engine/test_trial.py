"""The trial: kept in a file, made again where that says nothing, and bf16 only where it clearly wins."""

import json

import pytest
import torch

from webui.engine import trial
from webui.engine.trial import Preference, decide, preferred

BF16 = Preference(dtype="bf16", channels_last=True)


class Trials:
    """Stands for the trial where only whether it is made matters."""

    def __init__(self, found):
        self.found, self.made = found, 0

    def __call__(self):
        self.made += 1
        return self.found


def times(fp32, fp32_last, bf16=None, bf16_last=None):
    given = {
        Preference(): fp32,
        Preference(channels_last=True): fp32_last,
        Preference(dtype="bf16"): bf16,
        BF16: bf16_last,
    }
    return {way: [seconds] for way, seconds in given.items() if seconds is not None}


def test_a_trial_is_made_once_and_then_read(tmp_path):
    file, trials = tmp_path / "cache" / "trial.json", Trials(BF16)
    assert preferred(file, run=trials) == BF16
    assert preferred(file, run=trials) == BF16
    assert trials.made == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"machine": "x"}', '{"machine": 3, "preference": {}}', "\x00"]
)
def test_a_broken_file_is_written_anew(tmp_path, text):
    file, trials = tmp_path / "trial.json", Trials(BF16)
    file.write_text(text)
    assert preferred(file, run=trials) == BF16
    assert preferred(file, run=trials) == BF16
    assert trials.made == 1


def test_another_number_of_threads_is_tried_anew(tmp_path):
    file, trials = tmp_path / "trial.json", Trials(BF16)
    preferred(file, run=trials)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        preferred(file, run=trials)
    finally:
        torch.set_num_threads(threads)
    assert trials.made == 2


def test_the_file_says_for_which_machine_it_is(tmp_path):
    file = tmp_path / "trial.json"
    preferred(file, run=Trials(BF16))
    kept = json.loads(file.read_text())
    assert kept["preference"] == {"dtype": "bf16", "channels_last": True}
    assert torch.__version__ in kept["machine"]
    assert (
        torch.cpu.get_capabilities()["architecture"] in kept["machine"]
        or "cpu_name" in torch.cpu.get_capabilities()
    )


def test_where_the_file_cannot_be_written_the_answer_is_had_all_the_same(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert preferred(blocked / "trial.json", run=Trials(BF16)) == BF16
    assert "tries the CPU again" in caplog.text


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        (times(1.0, 1.0, 0.5, 0.5), Preference(dtype="bf16")),
        (times(1.0, 1.0, 0.9, 0.9), Preference()),  # bf16 wins, but not clearly
        (times(1.0, 0.9, 1.1, 1.1), Preference(channels_last=True)),
        (times(1.0, 0.97, 1.1, 1.1), Preference()),
        (times(1.0, 0.6, 0.7, 0.6), Preference(dtype="bf16", channels_last=True)),
        (times(1.0, 0.6), Preference(channels_last=True)),  # a processor without bf16
    ],
)
def test_only_clear_winners_are_taken(seconds, found):
    assert decide(seconds) == found


def test_a_busy_moment_does_not_decide():
    """In the second round the machine was busy while fp32 ran, so that bf16 looked ten times as quick."""
    seconds = {Preference(): [1.0, 10.0, 1.0], Preference(dtype="bf16"): [1.0, 1.0, 1.0]}
    assert decide(seconds) == Preference()


def test_the_real_trial_is_short_and_decides():
    operations = {way: trial.operations(way) for way in (Preference(), Preference(channels_last=True))}
    seconds = trial.measure(operations, seconds=0.05)
    assert all(len(each) >= trial.ROUNDS and min(each) > 0 for each in seconds.values())
    assert decide(seconds).dtype == "fp32"


def test_every_way_computes_the_same():
    results = [
        trial.operations(Preference(dtype=dtype, channels_last=last))()
        for dtype in ("fp32", "bf16")
        for last in (False, True)
    ]
    assert {result.dtype for result in results} == {torch.float32, torch.bfloat16}
    for result in results[1:]:
        torch.testing.assert_close(result.float(), results[0], rtol=0.05, atol=0.05)


def test_bf16_is_not_tried_where_the_processor_lacks_it(monkeypatch):
    monkeypatch.setattr(trial, "NATIVE_BF16", ())
    monkeypatch.setattr(trial, "SECONDS", 0.01)
    assert trial.trial().dtype == "fp32"


@pytest.mark.parametrize(("native", "trials"), [(True, 2), (False, 1)])
def test_where_bf16_should_have_won_the_next_start_looks_again(tmp_path, monkeypatch, native, trials):
    monkeypatch.setattr(trial, "has_bf16", lambda: native)
    file, found = tmp_path / "trial.json", Trials(Preference())
    assert preferred(file, run=found) == Preference()
    assert preferred(file, run=found) == Preference()
    assert found.made == trials
