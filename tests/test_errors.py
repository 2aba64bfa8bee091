# SPDX-License-Identifier: Apache-2.0
"""Errors say what is wrong and show the way out."""

from __future__ import annotations

from enum import StrEnum

import pytest

from penchant import errors
from penchant.errors import MissingExtraError, PenchantError, nearest


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


def test_the_nearest_word():
    assert nearest("epoch", ["epochs", "seed"]) == " (did you mean 'epochs'?)"


def test_all_words_where_none_is_near():
    assert nearest("zzz", ["b", "a"]) == " (known: a, b)"


def test_many_words_are_cut():
    shown = nearest("zzz", [f"w{n:02d}" for n in range(30)])
    assert shown.endswith("w19, ...)")
    assert "w20" not in shown


def test_no_words():
    assert nearest("a", []) == ""


def test_words_of_an_enumeration():
    assert nearest("gren", Colour) == " (did you mean 'green'?)"
    assert nearest("zzz", Colour) == " (known: green, red)"


def test_a_missing_part_says_how_to_install_it():
    assert "pip install 'penchant[console]'" in str(MissingExtraError("The console", "console"))


@pytest.mark.parametrize("name", ["DataError", "ConfigError", "BundleError", "RequestError", "MissingExtraError"])
def test_every_error_of_ours_is_one_kind(name):
    assert issubclass(getattr(errors, name), PenchantError)
