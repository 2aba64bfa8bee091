# SPDX-License-Identifier: Apache-2.0
"""Tasks of a run file: what does not go together is refused by name."""

from __future__ import annotations

import pytest

from penchant.rank.tasks import TaskConfig, check_tasks


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"name": "a b"}, "letters, digits"),
        ({"name": "1st"}, "letters, digits"),
        ({"name": "money", "kind": "regression"}, "needs one"),
        ({"name": "buy", "of": "amount"}, "goes with kind"),
        ({"name": "many", "kind": "count", "after": "click"}, "binary"),
    ],
)
def test_what_does_not_go_together(keys, said):
    with pytest.raises(ValueError, match=said):
        TaskConfig(**keys)


def test_a_chain_must_be_declared_in_its_order():
    click, buy = TaskConfig(name="click"), TaskConfig(name="buy", after="click")
    check_tasks((click, buy))
    with pytest.raises(ValueError, match="'buy' comes after 'click'"):
        check_tasks((buy, click))
    with pytest.raises(ValueError, match="two tasks are called 'click'"):
        check_tasks((click, click))
    count = TaskConfig(name="many", kind="count")
    with pytest.raises(ValueError, match="must be a binary task"):
        check_tasks((count, TaskConfig(name="buy", after="many")))


def test_which_errors_are_of_logarithms():
    assert TaskConfig(name="n", kind="count", scale="standard").logarithmic
    assert TaskConfig(name="n", kind="regression", of="dwell").logarithmic
    assert not TaskConfig(name="n", kind="regression", of="value", scale="standard").logarithmic
