"""Passes told as one row of steps."""

from tests.conftest import Recorder
from webui.engine.passes import Passes, Tiles


def test_steps_of_later_passes_count_on():
    recorder = Recorder()
    passes = Passes(recorder, 5)
    for step in range(3):
        passes.step(1, step, 2)
    passes.following(3)
    passes.step(1, 0, 4)
    passes.step(1, 4, 4)
    passes.following()
    passes.step(1, 1, 3)
    assert recorder.steps == [(1, 0, 7), (1, 1, 7), (1, 2, 7), (1, 2, 9), (1, 6, 9), (1, 7, 9)]


def test_all_else_is_passed_on():
    recorder = Recorder(watched=True, interrupt_at=(1, 3))
    for observer in (Passes(recorder), Tiles(recorder, "enlarging")):
        observer.phase("decoding")
        observer.notice("!")
        observer.preview([b""])
        assert observer.wants_preview()
        assert not observer.interrupted()
        assert not observer.skipped()
    assert (recorder.phases, recorder.notices) == (["decoding"] * 2, ["!"] * 2)
    assert recorder.previews == [[b""]] * 2
    Passes(recorder).step(1, 3, 4)
    assert Tiles(recorder, "enlarging").interrupted()


def test_tiles_are_told_in_words():
    recorder = Recorder()
    tiles = Tiles(recorder, "enlarging")
    for tile in range(3):
        tiles.step(1, tile, 2)
    assert recorder.phases == ["enlarging, tile 1 of 2", "enlarging, tile 2 of 2"]
    assert not recorder.steps
