# SPDX-License-Identifier: Apache-2.0
"""The page: every number that it shows is one of the study's."""

import re

import pytest

from penchant.models.recommender import Range
from penchant.tune import page, plots
from penchant.tune.space import Key
from penchant.tune.trials import StudyState, Trial, best_of

KEYS = [
    Key(name="reg", table="model", where=Range(1.0, 100.0, log=True), whole=False, default=None),
    Key(name="kind of <loss>", table="model", where=Range(choices=("a", "b", "c")), whole=False, default="a"),
    Key(name="size", table="train", where=Range(0, 10), whole=True, default=5),
]


def state(keys=KEYS):
    return StudyState(
        id="one", source="run.toml", kind="knob", metric="ndcg@5", seed=0, prune=True, dataset="d",
        fingerprint="f", created="2026-01-02T03:04:05+00:00", keys=keys,
    )  # fmt: skip


def trial(number, score, reg=10.0, **changes):
    values = {"reg": reg, "kind of <loss>": "b", "size": 5}
    whole = {"number": number, "state": "done", "values": values, "score": score, "seconds": 60.0}
    return Trial(**(whole | changes))


TRIALS = [
    trial(0, 0.1, reg=None),
    trial(1, 0.3, curve={1: 0.2, 2: 0.3}),
    trial(2, 0.2, reg=100.0, state="pruned", curve={1: 0.2}),
    trial(3, None, state="failed", reason="MemoryError: <none> left"),
    trial(4, 0.25, reg=1.0, curve={1: 0.1, 3: 0.25}),
]


def test_the_whole_page():
    text = page.render("shop", state(), TRIALS, best_of(TRIALS), {"reg": 0.75, "size": 0.25})
    assert "<strong>Trial 1</strong> reaches ndcg@5 of <strong>0.3000</strong>" in text
    assert "the run file's own settings reached 0.1000" in text
    assert "MemoryError: &lt;none&gt; left" in text
    assert "kind of &lt;loss&gt;" in text
    assert "0 (the run file's own)" in text
    assert "<script" not in text
    assert re.findall(r"<dt>(\w+)</dt><dd>([\d.]+)</dd>", text) == [
        ("trials", "5"), ("done", "3"), ("pruned", "1"), ("failed", "1"), ("minutes", "5.0"),
    ]  # fmt: skip
    assert re.findall(r"<figcaption><strong>(.+?)</strong>", text) == [
        "Course of the search", "What mattered", "reg", "size", "kind of &lt;loss&gt;", "All keys together",
        "While training",
    ]  # fmt: skip
    assert "Not shown: 1 outside of it." in text


def test_the_order_of_trials():
    assert [one.number for one in page.ranking(TRIALS)] == [1, 4, 2, 0]
    many = [trial(n, n / 100) for n in range(20)]
    assert [one.number for one in page.ranking(many)] == [*range(19, 9, -1), 0]


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([trial(0, 0.5), trial(1, 0.25)], "The run file's own settings stay the best: <strong>0.5000</strong>"),
        ([trial(0, None, state="failed"), trial(1, 0.25)], "the run file's own settings came to no result"),
    ],
)
def test_the_first_sentence(trials, said):
    assert said in page.render("shop", state(), trials, best_of(trials), {})


def test_one_trial_and_one_key():
    only = [trial(0, 0.0)]
    text = page.render("shop", state(KEYS[:1]), only, only[0], {})
    assert text.count("<figure") == 2


def test_where_a_value_stands():
    places = [plots._place(KEYS[0], reg) for reg in (1.0, 10.0, 100.0, None, 1000.0)]
    assert places == [0.0, pytest.approx(0.5), 1.0, None, None]
    assert [plots._place(KEYS[1], word) for word in "abcd"] == [0.0, 0.5, 1.0, None]
    assert [plots._place(KEYS[2], number) for number in (0, 5, 10)] == [0.0, 0.5, 1.0]
    assert [plots._ends(key) for key in KEYS] == [[1.0, 10.0, 100.0], ["a", "b", "c"], [0, 5.0, 10]]
