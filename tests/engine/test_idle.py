"""Doing something after nothing has been done for a while."""

import threading

from webui.engine.idle import IdleTimer


def test_acts_once_it_has_been_idle_for_so_long():
    acted = threading.Event()
    IdleTimer(lambda: 0.01, acted.set).begin()
    assert acted.wait(5)


def test_what_begins_to_work_again_is_left_alone():
    acted = threading.Event()
    timer = IdleTimer(lambda: 0.05, acted.set)
    timer.begin()
    timer.stop()
    assert not acted.wait(0.2)


def test_zero_means_never():
    acted = threading.Event()
    IdleTimer(lambda: 0, acted.set).begin()
    assert not acted.wait(0.1)


def test_what_is_set_while_it_is_idle_holds():
    acted, seconds = threading.Event(), [0.0]
    timer = IdleTimer(lambda: seconds[0], acted.set, period=0.02)
    timer.begin()
    assert not acted.wait(0.1)
    seconds[0] = 0.05
    assert acted.wait(5)


def test_beginning_again_starts_the_time_anew():
    acts = []
    timer = IdleTimer(lambda: 0.05, lambda: acts.append(1))
    timer.begin()
    timer.begin()
    threading.Event().wait(0.3)
    assert acts == [1]
