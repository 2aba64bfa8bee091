# SPDX-License-Identifier: Apache-2.0
"""How long to wait before a call is sent again, and whether."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PASSING = frozenset({429, 502, 503, 504})
"""Answers of a service, or of a proxy before it, that may be another in a moment."""
_FIRST, _LONGEST = 0.1, 10.0
"""Seconds."""


@dataclass(frozen=True)
class Patience:
    """Sends again what got no answer, or one that will pass.

    Attributes:
        retries: how often, after the first time.
    """

    retries: int

    def wait(
        self, attempt: int, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> float | None:
        """Seconds to wait after attempt number `attempt` (from 0); None if it was the last, or its answer stands.

        Args:
            attempt: how many were made before it.
            status: of its answer; None where there was none.
            headers: of its answer.
        """
        if attempt >= self.retries or (status is not None and status not in _PASSING):
            return None
        said = (headers or {}).get("retry-after", "")
        if said.isdecimal():
            return min(float(said[:6]), _LONGEST)
        # Full jitter: those who failed together do not come back together.
        return random.uniform(0, min(_LONGEST, _FIRST * 2**attempt))  # noqa: S311 - no secret
