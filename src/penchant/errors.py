# SPDX-License-Identifier: Apache-2.0
"""The errors that reach a user: each names the file, row, column, key or field, and the way out.

Only the command line and the HTTP layer turn them into text or a status; everything else raises them.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class PenchantError(Exception):
    """Something the user can mend. `str(error)` is the whole message, fit to be shown as it is."""


class DataError(PenchantError):
    """A table, file or row that cannot be taken as it is."""


class ConfigError(PenchantError):
    """A run file or an option that does not say what it should."""


class BundleError(PenchantError):
    """A bundle that is damaged, foreign, newer than this program, or answers otherwise than it did."""


class RequestError(PenchantError):
    """A request that the service cannot answer as asked."""


class MissingExtraError(PenchantError):
    """An optional library is absent."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part: pip install 'penchant[{extra}]'")


def nearest(word: str, known: Iterable[str]) -> str:
    """' (did you mean ...?)' for the known word closest to `word`, or the list of what is known."""
    names = sorted(map(str, known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f" (did you mean {close[0]!r}?)"
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f" (known: {shown})" if names else ""
