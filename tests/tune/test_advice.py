# SPDX-License-Identifier: Apache-2.0
"""The search: a function of what was tried; it comes to the known optimum, and gives up what is hopeless."""

import sys

import pytest

from penchant.errors import MissingExtraError
from penchant.models.recommender import Range
from penchant.tune.advice import Adviser
from penchant.tune.space import Key
from penchant.tune.trials import Trial, best_of

KEYS = {
    "reg": Key(name="reg", table="model", where=Range(1.0, 1000.0, log=True), whole=False, default=1000.0),
    "size": Key(name="size", table="model", where=Range(1, 64, log=True), whole=True, default=64),
    "on": Key(name="on", table="model", where=Range(choices=(True, False)), whole=False, default=False),
}


def worth(values):
    """Best at reg 10; `on` is worth a little, `size` nothing."""
    return 1.0 - abs(values["reg"] - 10) / 1000 + 0.05 * values["on"]


def search(adviser, count, done=()):
    done = list(done)
    for number in range(len(done), count):
        values = adviser.ask(done).values
        done.append(Trial(number=number, state="done", values=values, score=worth(values), seconds=0.0))
    return done


def test_it_begins_with_the_settings_as_they_are_and_finds_the_best():
    done = search(Adviser(KEYS, 0, prune=True), 40)
    assert done[0].values == {"reg": 1000.0, "size": 64, "on": False}
    assert all(key.holds(trial.values[name]) for trial in done for name, key in KEYS.items())
    best = best_of(done).values
    assert best["on"] is True
    assert 5 < best["reg"] < 20
    late = [trial.values["reg"] for trial in done[30:]]
    assert sum(reg < 100 for reg in late) > 7, "the search goes where it is good"


def test_it_is_a_function_of_what_was_tried():
    once = search(Adviser(KEYS, 3, prune=True), 14)
    again = search(Adviser(KEYS, 3, prune=True), 14, once[:9])
    assert once == again
    assert once != search(Adviser(KEYS, 4, prune=True), 14)


def test_settings_outside_of_the_search_are_no_news_to_it():
    own = {**KEYS, "reg": Key(name="reg", table="model", where=KEYS["reg"].where, whole=False, default=None)}
    adviser = Adviser(own, 0, prune=True)
    first = adviser.ask([])
    assert first.values["reg"] is None
    done = [Trial(number=0, state="done", values=first.values, score=0.5, seconds=0.0)]
    assert KEYS["reg"].holds(adviser.ask(done).values["reg"])


def test_what_failed_is_avoided():
    done = search(Adviser(KEYS, 0, prune=True), 20)
    broken = [
        trial if trial.values["reg"] < 50 else Trial(number=n, state="failed", values=trial.values, seconds=0.0)
        for n, trial in enumerate(done)
    ]
    proposed = [Adviser(KEYS, seed, prune=True).ask(broken).values["reg"] for seed in range(10)]
    assert sum(reg < 50 for reg in proposed) >= 8


def curves(*levels):
    return [
        Trial(
            number=n, state="done", values={"reg": 2.0 + n, "size": 2, "on": True}, score=level,
            curve=dict.fromkeys(range(1, 9), level), seconds=0.0,
        )
        for n, level in enumerate(levels)
    ]  # fmt: skip


def given_up(adviser, done, level):
    asked = adviser.ask(done)
    return next((epoch for epoch in range(1, 9) if asked.hopeless(epoch, level)), None)


def test_what_is_below_the_median_is_given_up_after_its_grace():
    done = curves(0.1, 0.2, 0.3, 0.4, 0.5)
    adviser = Adviser(KEYS, 0, prune=True)
    assert given_up(adviser, done, 0.05) == 4
    assert given_up(adviser, done, 0.45) is None
    assert given_up(adviser, done[:3], 0.05) is None, "too few to compare with"
    assert given_up(Adviser(KEYS, 0, prune=False), done, 0.05) is None
    cut_off = [*done, Trial(number=5, state="stopped", values=done[0].values, seconds=1.0)]
    assert given_up(adviser, cut_off, 0.05) == 4


def test_what_mattered():
    adviser = Adviser(KEYS, 0, prune=True)
    done = search(adviser, 40)
    shares = adviser.importance(done)
    assert next(iter(shares)) == "reg"
    assert sum(shares.values()) == pytest.approx(1)
    assert adviser.importance(done[:5]) == {}
    one = {"reg": KEYS["reg"]}
    alone = [Trial(number=n, state="done", values={"reg": 2.0 + n}, score=n, seconds=0.0) for n in range(20)]
    assert Adviser(one, 0, prune=True).importance(alone) == {}


def test_without_optuna(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"penchant tune needs an optional part: .*penchant\[tune\]"):
        Adviser(KEYS, 0, prune=True)
