# SPDX-License-Identifier: Apache-2.0
"""Formula: arithmetic over tensors, and nothing that could reach anything else."""

from __future__ import annotations

import math

import pytest
import torch

from penchant.errors import ConfigError
from penchant.rank.formula import DEEPEST, LONGEST, Formula

VALUES = {
    "click": torch.tensor([0.1, 0.5]),
    "purchase": torch.tensor([0.01, 0.2]),
    "price": torch.tensor([10.0, 1.0]),
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("click", [0.1, 0.5]),
        ("0.3*click + purchase*log(price)", [0.03 + 0.01 * math.log(10), 0.15]),
        ("click * price", [1.0, 0.5]),
        ("-click - +1", [-1.1, -1.5]),
        ("price ** 0.5 / 2", [math.sqrt(10) / 2, 0.5]),
        ("price ** -1", [0.1, 1.0]),
        ("min(price, 5) + max(click, purchase)", [5.1, 1.5]),
        ("sqrt(abs(-price)) + exp(log1p(click))", [math.sqrt(10) + 1.1, 2.5]),
        ("  2  ", [2.0, 2.0]),
    ],
)
def test_values(text, wanted):
    found = Formula(text)(VALUES)
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx(wanted, rel=1e-6)


def test_names_are_what_it_asks_for():
    assert Formula("log(price)*click + click").names == ("click", "price")


@pytest.mark.parametrize(
    "text",
    [
        "click.real", "__import__('os')", "click.__class__", "[click]", "click if 1 else 2", "click[0]",
        "(lambda: 1)()",
        "'text'", "f'{click}'", "click and 1", "click < 1", "True * click", "1j * click", "log(*click)",
        "log(price, base=2)", "(log)(price)(1)", "x := 1", "{click}", "click @ click", "click // 2", "~click",
        "not 1",
        "1e999", "None", "...",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused(text):
    with pytest.raises(ConfigError, match="formula"):
        Formula(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("logg(price)", "no function 'logg'.*did you mean 'log'"),
        ("log(price, 2)", "log takes 1 value, not 2"),
        ("min(price)", "min takes 2 values, not 1"),
        ("price ** click", "a power must be a number from -10 to 10"),
        ("2 ** 1000", "a power must be"),
        ("9 ** -11", "a power must be"),
        ("click * * 2", "cannot be read at character 9"),
        ("click + 3 * price.x", "at character 13: only numbers"),
        ("", "cannot be read"),
        ("a\0b", "cannot be read"),
        ("1 + " * LONGEST + "1", "at most 500 characters"),
        ("-" * (DEEPEST + 1) + "1", "nested more than 20 deep"),
        ("(" * 240 + "1" + ")" * 240, "cannot be read"),
    ],
)
def test_a_refusal_says_where_and_why(text, said):
    with pytest.raises(ConfigError, match=said):
        Formula(text)


def test_an_unknown_name_is_refused_with_the_nearest():
    formula = Formula("clik * price")
    formula.check_names(["clik", "price"])
    with pytest.raises(ConfigError, match=r"nothing is called 'clik'.*did you mean 'click'"):
        formula.check_names(VALUES)


def test_what_is_no_number_is_below_everything_and_finite():
    values = {"x": torch.tensor([-1.0, 0.0, 4.0])}
    root, log, divided = (Formula(text)(values) for text in ("sqrt(x)", "log(x)", "1/x"))
    for found in (root, log, divided):
        assert torch.isfinite(found).all()
    assert root.argsort(descending=True).tolist()[0] == 2
    assert root[0] < -1e38
    assert log[0] == log[1] == root[0]
    assert divided[1] > 1e38


def test_a_deep_formula_that_is_not_too_deep():
    assert Formula("-" * (DEEPEST - 1) + "click")(VALUES).tolist() == pytest.approx([-0.1, -0.5])
