from webui.jobs import live_turns
from webui.jobs.live_turns import LiveTurns


def test_what_came_earlier_is_late_after_a_newer_one():
    turns = LiveTurns()
    first, second, third = (turns.came() for _ in range(3))
    assert not turns.is_late("me", "canvas", second)
    assert turns.is_late("me", "canvas", first)
    assert turns.is_late("me", "canvas", first)
    assert not turns.is_late("me", "canvas", third)
    assert not turns.is_late("me", "another", first)
    assert not turns.is_late("you", "canvas", first)


def test_only_so_many_canvases_are_remembered(monkeypatch):
    monkeypatch.setattr(live_turns, "KEPT", 3)
    turns = LiveTurns()
    early = turns.came()
    for key in ("lively", "quiet", "lively", "a", "b", "lively", "c"):
        turns.is_late("me", key, turns.came())
    assert turns.is_late("me", "lively", early)
    assert not turns.is_late("me", "quiet", early)
    assert len(turns._newest) == 3
