# SPDX-License-Identifier: Apache-2.0
"""The state of one side, of all users or of all items: a few dense arrays, one entry for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from penchant.features.aggregates import sketch
from penchant.features.aggregates.grouped import NEVER, Groups
from penchant.features.aggregates.measures import Known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from penchant.features.aggregates.grouped import Array, Floats, Ints
    from penchant.features.aggregates.measures import Plan
    from penchant.features.hashing import Hashes


class Tally:
    """Totals, moments, decayed counts and sketches of n owners.

    A decayed count is kept as of its owner's last event, so nothing needs to be touched as time goes by.

    Args:
        plan: what is counted.
        size: how many owners there are to begin with.
    """

    def __init__(self, plan: Plan, size: int = 0) -> None:
        self.plan = plan
        self._size = size
        self._arrays: dict[str, Array] = {f"total {name}": np.zeros(size, np.int64) for name in plan.totals}
        self._arrays["last"] = np.full(size, NEVER, np.int64)
        self._arrays["first"] = np.full(size, -NEVER, np.int64)
        for number in range(len(plan.half_lives)):
            self._arrays[f"decayed {number}"] = np.zeros(size, np.float64)
        if plan.distinct:
            self._arrays["bits"] = np.zeros((size, sketch.WORDS), np.uint64)

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, room to grow included."""
        return sum(array.nbytes for array in self._arrays.values())

    def grow(self, size: int) -> None:
        """Make room for owners up to `size`; at least by half, so that growing one by one costs little."""
        room = len(self._arrays["last"])
        if size > room:
            for name, array in self._arrays.items():
                shape = (max(size, room + room // 2), *array.shape[1:])
                wider = np.full(shape, _EMPTY.get(name, 0), array.dtype)
                wider[: self._size] = array[: self._size]
                self._arrays[name] = wider
        self._size = max(self._size, size)

    def advance(self, owners: Ints, times: Ints, weights: Mapping[str, Ints], others: Hashes) -> Known:
        """Take up events, and say what was known of each one's owner just before it.

        An event that is earlier than its owner's last one counts from now on, at its own age.

        Args:
            owners: [E] int64, in order of arrival; room is made for new ones.
            times: [E] int64.
            weights: per total, [E] int64: what each event adds.
            others: [E] uint64, hash of the other side's id; [0] where nobody counts different ones.
        """
        if len(owners):
            self.grow(int(owners.max()) + 1)
        groups = Groups(owners)
        state, members = self._arrays, groups.members
        totals = {}
        for name in self.plan.totals:
            array = state[f"total {name}"]
            whole = groups.running_sum(array[members], weights[name])
            array[members] = groups.last(whole)
            totals[name] = groups.before(whole)
        latest = groups.running_max(state["last"][members], times)
        now = groups.at(latest)
        rising = bool((now == times).all())
        earliest = groups.running_min(state["first"][members], times, rising=rising)
        late = None if rising else now - times
        decayed = self._decayed(groups, latest, late) if self.plan.half_lives else ()
        bits = None
        if self.plan.distinct:
            bits = groups.before(sketch.note(groups, owners, sketch.bit_of(others), state["bits"]))
        known = Known(
            totals=totals,
            now=now,
            last=groups.before(latest),
            first=groups.before(earliest),
            decayed=decayed,
            bits=bits,
        )
        state["last"][members] = groups.last(latest)
        state["first"][members] = groups.last(earliest)
        return known

    def at(self, owners: Ints, now: int) -> Known:
        """What is known of `owners` [n] at a moment; one that is not here yet (or negative) did nothing."""
        here = (owners >= 0) & (owners < self._size)
        state = {}
        for name, array in self._arrays.items():
            found = np.full((len(owners), *array.shape[1:]), _EMPTY.get(name, 0), array.dtype)
            found[here] = array[owners[here]]
            state[name] = found
        moment = np.maximum(state["last"], now)
        return Known(
            totals={name: state[f"total {name}"] for name in self.plan.totals},
            now=moment,
            last=state["last"],
            first=state["first"],
            decayed=tuple(
                _halved(moment - state["last"], half_life) * state[f"decayed {number}"]
                for number, half_life in enumerate(self.plan.half_lives)
            ),
            bits=sketch.count(state["bits"]) if self.plan.distinct else None,
        )

    def tensors(self) -> dict[str, Tensor]:
        """All arrays by name, without room to grow; `load` takes them up."""
        return {
            name: torch.from_numpy(array[: self._size].view(_STORED.get(array.dtype, array.dtype)).copy())
            for name, array in self._arrays.items()
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` returned.

        Raises:
            ValueError: names, lengths or types are not those of this plan.
        """
        sizes = {len(tensor) for tensor in tensors.values()}
        if tensors.keys() != self._arrays.keys() or len(sizes) != 1:
            raise ValueError("the state of aggregates does not fit the feature space")
        for name, tensor in tensors.items():
            mine, array = self._arrays[name], tensor.numpy().copy()
            if array.dtype != _STORED.get(mine.dtype, mine.dtype) or array.shape[1:] != mine.shape[1:]:
                raise ValueError(f"the state of aggregates does not fit the feature space at {name!r}")
            self._arrays[name] = array.view(mine.dtype)
        self._size = sizes.pop()

    def _decayed(self, groups: Groups, latest: Ints, late: Ints | None) -> tuple[Floats, ...]:
        """Per half-life, [E]: the decayed count just before each event, as of that event; and the state moves on.

        Args:
            groups: the events.
            latest: [E + G] the time of the owner's latest event at each place.
            late: [E] microseconds that each event was late; None where none was.
        """
        steps = np.zeros(len(latest), np.int64)
        np.subtract(latest[1:], latest[:-1], out=steps[1:])
        steps[groups.head_places] = 0
        made = []
        for number, half_life in enumerate(self.plan.half_lives):
            array = self._arrays[f"decayed {number}"]
            decays = _halved(steps, half_life)
            weights = np.ones(len(groups.order)) if late is None else _halved(late, half_life)
            whole = groups.running_decay(array[groups.members], decays, weights)
            array[groups.members] = groups.last(whole)
            made.append(groups.at(decays) * groups.before(whole))
        return tuple(made)


def _halved(ages: Ints, half_life: float) -> Floats:
    """[n]: what is left of one after so long; both in microseconds."""
    left: Floats = ages / -half_life
    return np.exp2(left, out=left)


_EMPTY = {"last": NEVER, "first": -NEVER}
"""What stands where nothing happened, if it is not 0."""

_STORED = {np.dtype(np.uint64): np.dtype(np.int64)}
"""Types that files do not know, and the ones with the same bits that they do."""
