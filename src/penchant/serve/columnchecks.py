# SPDX-License-Identifier: Apache-2.0
"""What may be said of one column of items or users over HTTP, and how their tables hold it."""

from __future__ import annotations

import base64
import binascii
import math
from typing import TYPE_CHECKING, Any

from penchant.schema import MICROSECONDS, Kind
from penchant.serve.checks import FieldError, check_text, check_time, check_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.serve.wire import FeatureValue

LARGEST_BATCH = 1000
"""Items or users of one request."""
LONGEST_TEXT = 100_000
"""Characters of a text."""
MOST_WORDS = 1000
"""Tags of one item in one column."""

_LATEST = 4_102_444_800 * MICROSECONDS
"""The year 2100: a film may be released later than now."""


def check_feature(said: FeatureValue, kind: Kind, place: str, size: int | None = None) -> Any:
    """What was said of a column, as its table holds it.

    Args:
        said: anything but null.
        kind: of the column; pictures and sounds are `read_file`'s.
        place: where it stands in the request, for messages.
        size: how long a vector must be, if that is known.

    Raises:
        FieldError: names `place`, and says what would do.
    """
    match kind:
        case Kind.NUMBER:
            return check_value(_is(said, (int, float), "a number", place), place)
        case Kind.TIME:
            return check_time(_is(said, (int, float, str), "a time", place), _LATEST, place)
        case Kind.TEXT:
            return _text(said, place)
        case Kind.TAGS:
            return _words(said, place)
        case Kind.VECTOR:
            return _vector(said, size, place)
        case _:
            check_text(_is(said, (str,), "text", place), place)
            return said


def read_file(said: FeatureValue, place: str) -> bytes:
    """The bytes of a picture or sound that came as base64."""
    text: str = _is(said, (str,), "base64", place)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FieldError(place, "must be base64: the bytes of a file, no address and no path") from None


def _vector(said: FeatureValue, size: int | None, place: str) -> list[float]:
    numbers = _list(said, (int, float), "numbers", place)
    if size is not None and len(numbers) != size:
        raise FieldError(place, f"must have {size} numbers, has {len(numbers)}")
    if not all(math.isfinite(one) and abs(one) < 3e38 for one in numbers):
        raise FieldError(place, "must hold finite numbers only")
    return [float(one) for one in numbers]


def _text(said: FeatureValue, place: str) -> str | None:
    text: str = _is(said, (str,), "text", place)
    if len(text) > LONGEST_TEXT:
        raise FieldError(place, f"must be at most {LONGEST_TEXT:,} characters long, has {len(text):,}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FieldError(place, "is not valid Unicode") from None
    return text if text.strip() else None


def _words(said: FeatureValue, place: str) -> list[str]:
    words = _list(said, (str,), "words", place)
    if len(words) > MOST_WORDS:
        raise FieldError(place, f"at most {MOST_WORDS:,} words, these are {len(words):,}")
    for at, word in enumerate(words):
        check_text(word, f"{place}[{at}]")
    return list(words)


def _list(said: FeatureValue, kinds: tuple[type, ...], what: str, place: str) -> Sequence[Any]:
    if not isinstance(said, list) or not all(isinstance(one, kinds) for one in said):
        raise FieldError(place, f"must be a list of {what}")
    return said


def _is(said: FeatureValue, kinds: tuple[type, ...], what: str, place: str) -> Any:
    if not isinstance(said, kinds):
        raise FieldError(place, f"must be {what}")
    return said
