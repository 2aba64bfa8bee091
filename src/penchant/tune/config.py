# SPDX-License-Identifier: Apache-2.0
"""The run file's `[tune]`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec


class TuneConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[tune]` table."""

    trials: Annotated[int, msgspec.Meta(ge=1)] = 50
    """The most settings that are tried, the run file's own being the first."""
    minutes: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """The most time that trials may take together; none: as long as they take."""
    metric: str | None = None
    """What is to be high on the validation part; none: the metric of `[train]`."""
    prune: bool = True
    """Whether a trial that is worse than most were at the same epoch is given up."""
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Of the search; that of the models is in `[train]`."""
    space: dict[str, Any] = {}
    """Where single keys are looked for; `false` leaves one as it is. Read by `penchant.tune.space`."""
