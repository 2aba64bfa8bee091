# SPDX-License-Identifier: Apache-2.0
"""What a ranker foretells of a user and an item: the run file's `[[rank.tasks]]`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

Kind = Literal["binary", "count", "regression"]
Scale = Literal["log1p", "standard"]


class TaskConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that may come of showing an item to somebody."""

    name: str
    """What the formula calls it."""
    kind: Kind = "binary"
    """binary: whether it comes; count: how often; regression: how much, where it comes at all."""
    types: tuple[str, ...] = ()
    """The types of event that it is; none: all by which people lean towards an item."""
    of: Literal["value", "dwell", "amount", "quantity"] | None = None
    """Of a regression: which number of those events; its mean where there are several."""
    scale: Scale = "log1p"
    """Of a regression: the squared error is of the logarithm of one plus the number, or of the number as it is.
    Either way it is of deviations from the mean. That of a count is always of the logarithm."""
    after: str | None = None
    """A binary task, declared before this one, without which this one does not come."""
    weight: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 1.0
    """Of its loss, before any balancing."""

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            ValueError: says what.
        """
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", self.name, re.ASCII):
            raise ValueError(f"name = {self.name!r}: letters, digits and _ only, as it stands in the formula")
        if (self.kind == "regression") != (self.of is not None):
            raise ValueError(f'task {self.name!r}: `of` goes with kind = "regression", and it needs one')
        if self.after is not None and self.kind != "binary":
            raise ValueError(f'task {self.name!r}: `after` goes with kind = "binary" only')

    @property
    def logarithmic(self) -> bool:
        """Whether its squared error is of the logarithm."""
        return self.kind == "count" or self.scale == "log1p"


def check_tasks(tasks: tuple[TaskConfig, ...]) -> None:
    """Refuse tasks that do not go with each other.

    Raises:
        ValueError: two have one name, or one comes after what is no binary task before it.
    """
    earlier: set[str] = set()
    names: set[str] = set()
    for task in tasks:
        if task.name in names:
            raise ValueError(f"two tasks are called {task.name!r}")
        if task.after is not None and task.after not in earlier:
            raise ValueError(
                f"task {task.name!r} comes after {task.after!r}, which must be a binary task declared before it"
            )
        names.add(task.name)
        if task.kind == "binary":
            earlier.add(task.name)
