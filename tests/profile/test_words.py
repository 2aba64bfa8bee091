# SPDX-License-Identifier: Apache-2.0
"""Numbers as people write them."""

import pytest

from penchant.profile import words

DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("value", "text"), [(1234567.0, "1,234,567"), (0.00123456, "0.00123"), (1234.56, "1,234.6"), (-3.0, "-3")]
)
def test_numbers(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50.0 %"), (0.0001, "< 0.1 %"), (0.99999, "> 99.9 %"), (0.9994, "99.9 %")],
)
def test_shares_are_never_nothing_or_all_by_rounding(part, text):
    assert words.share(part).replace("\N{NO-BREAK SPACE}", " ") == text


def test_density_keeps_two_digits():
    assert words.density(0.000123).startswith("0.012")
    assert words.density(0.5).startswith("50.0")


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("minute", "1970-05-04 10:17"), ("hour", "1970-05-04 10:00"), ("day", "1970-05-04"),
        ("week", "1970-05-04"), ("month", "May 1970"), ("quarter", "1970 Q2"), ("year", "1970"),
    ],
)  # fmt: skip
def test_moments(unit, text):
    assert words.moment(123 * DAY + 37_020_000_000, unit) == text


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (800, "2.2 years"), (5000, "14 years"), (90, "3.0 months"), (20, "2.9 weeks"), (3, "3.0 days"),
        (0.5, "12.0 hours"), (0.01, "14 minutes"),
    ],
)  # fmt: skip
def test_spans(days, text):
    assert words.span(0, int(days * DAY)) == text


def test_rules_read_well():
    assert words.rule("user_id_empty") == "no user"
    assert words.rule("near_duplicates") == "near duplicates"
