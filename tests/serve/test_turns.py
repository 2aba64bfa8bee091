# SPDX-License-Identifier: Apache-2.0
"""Where answers are computed."""

import asyncio
import threading

import pytest
import torch

from penchant.serve.turns import Turns


def where():
    return threading.current_thread().name


class Clock:
    """A clock that only passes while an answer is computed."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr("penchant.serve.turns.time.perf_counter", lambda: self.now)

    def spend(self, seconds):
        self.now += seconds
        return where()


@pytest.fixture
def turns():
    turns = Turns()
    yield turns
    turns.close()


def take(turns, function, *args):
    return asyncio.run(turns.take(function, *args))


def test_a_quick_answer_is_computed_at_once_on_the_event_loop(turns, monkeypatch):
    clock = Clock(monkeypatch)
    assert {take(turns, clock.spend, 0.001) for _ in range(20)} == {where()}


def test_slow_answers_go_to_threads_and_come_back_once_they_are_quick_again(turns, monkeypatch):
    clock = Clock(monkeypatch)
    take(turns, clock.spend, 0.1)
    assert take(turns, clock.spend, 0.1).startswith("penchant-answer")
    places = [take(turns, clock.spend, 0.001) for _ in range(40)]
    assert places[0].startswith("penchant-answer")
    assert places[-1] == where()


def test_one_slow_kind_of_answer_does_not_send_the_others_away(turns, monkeypatch):
    clock = Clock(monkeypatch)
    take(turns, clock.spend, 10.0)
    assert take(turns, where) == where()


def test_one_hiccup_does_not_send_a_quick_answer_away(turns, monkeypatch):
    clock = Clock(monkeypatch)
    for _ in range(20):
        take(turns, clock.spend, 0.001)
    take(turns, clock.spend, 0.03)
    assert take(turns, clock.spend, 0.001) == where()


def test_threads_compute_with_as_many_threads_as_the_process_was_told(turns):
    threads = asyncio.run(turns.aside(torch.get_num_threads))
    assert threads == torch.get_num_threads()


def test_an_error_comes_through_from_either_place(turns, monkeypatch):
    def fail():
        raise ValueError("no")

    clock = Clock(monkeypatch)
    with pytest.raises(ValueError, match="no"):
        take(turns, fail)
    take(turns, clock.spend, 1.0)
    with pytest.raises(ValueError, match="no"):
        asyncio.run(turns.aside(fail))
