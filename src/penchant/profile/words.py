# SPDX-License-Identifier: Apache-2.0
"""Numbers, times and shares as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400 * 1_000_000
RULES = {
    "user_id_empty": "no user",
    "item_id_empty": "no item",
    "user_id_long": "user id too long",
    "item_id_long": "item id too long",
    "time_unread": "no time",
    "time_before_1970": "before 1970",
    "time_in_future": "in the future",
}
"""Rules whose names say less than a word could; the others read well without their underscores."""


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}"


def number(value: float) -> str:
    """A measure with as many digits as can be used."""
    if value == int(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def share(part: float) -> str:
    """A fraction as a percentage; what is there at all is not written as 0 %."""
    if 0 < part < 0.0005:
        return "< 0.1\N{NO-BREAK SPACE}%"
    digits = 0 if part in (0, 1) else 1
    if 0.9995 < part < 1:
        return "> 99.9\N{NO-BREAK SPACE}%"
    return f"{part:.{digits}%}".replace("%", "\N{NO-BREAK SPACE}%")


def density(part: float) -> str:
    """A small share with two digits that count."""
    return f"{part * 100:.2g}\N{NO-BREAK SPACE}%" if part < 0.1 else share(part)


def moment(microseconds: float, unit: str = "day") -> str:
    """A time since 1970, as fine as its unit."""
    when = _EPOCH + timedelta(microseconds=microseconds)
    forms = {"minute": "%Y-%m-%d %H:%M", "hour": "%Y-%m-%d %H:00", "month": "%B %Y", "year": "%Y"}
    if unit == "quarter":
        return f"{when:%Y} Q{(when.month + 2) // 3}"
    return when.strftime(forms.get(unit, "%Y-%m-%d"))


def span(first: int, last: int) -> str:
    """How long it is from one time to another."""
    days = (last - first) / _DAY
    for length, word in ((365.25, "years"), (30.44, "months"), (7, "weeks"), (1, "days")):
        if days >= 2 * length:
            return f"{days / length:.1f} {word}" if days / length < 10 else f"{days / length:.0f} {word}"
    hours = days * 24
    return f"{hours:.1f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"


def rule(name: str) -> str:
    """A rule's name in words."""
    return RULES.get(name, name.replace("_", " "))
