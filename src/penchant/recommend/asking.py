# SPDX-License-Identifier: Apache-2.0
"""What a ranker learns from: users asked at several moments of the past, and what came of each case.

The last slice of the events is cut into stretches. At the beginning of each, everybody who acts in it is asked, by
the same code that asks for a measurement: with what was known by then, of candidates whose sources saw nothing of
the slice. So nothing from the future is in a case, and a ranker is asked nothing that it was not trained on.

Shape legend: B users, N rows of the catalogue, C cases, T tasks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from penchant.errors import DataError
from penchant.features.live import LiveSignals
from penchant.recommend.candidates import cases_of, merge
from penchant.recommend.outcomes import CASE, outcomes, shown_cases, spread
from penchant.schema import ITEM, POSITION, TYPE, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from penchant.batch import Users
    from penchant.features.catalogue import Catalogue
    from penchant.features.space import FeatureSpace
    from penchant.rank.cases import Cases
    from penchant.rank.config import RankConfig
    from penchant.rank.tasks import TaskConfig
    from penchant.recommend.ranking import Allowed, Source

_CELLS = 8_000_000
"""Scores (users times items) that are held at once, of each source."""


def moments(times: npt.NDArray[np.int64], config: RankConfig) -> list[int]:
    """The first event of each stretch of the slice, ascending; none begins amid events of one time.

    Args:
        times: [E] of the events, ascending.
        config: the run file's `[rank]`.

    Raises:
        DataError: there are too few different times to learn and to hold something out.
    """
    edges = np.linspace(int(len(times) * (1 - config.slice)), len(times), config.moments + 1)[:-1].astype(np.int64)
    found = np.unique(np.searchsorted(times, times[edges])) if len(times) else edges[:0]
    found = found[found > 0]
    if len(found) < 2:
        raise DataError(
            f"[rank]: {len(times):,} events are of too few different times: their last {config.slice:.0%} cannot "
            "be cut into stretches that a ranker could learn from. Leave [rank] out, or set slice higher"
        )
    return list(map(int, found))


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who asks, and of what.

    Attributes:
        sources: who finds candidates; they learned from the events before the first moment.
        space: the feature space.
        catalogue: what they find candidates in; what nobody had before the first moment is unknown in it.
        events: canonical events that may be learned from, in log order.
        profiles: the user table.
        config: the run file's `[rank]`.
        allowed: what may be given.
        seed: draws users where there are too many.
    """

    sources: Sequence[Source]
    space: FeatureSpace
    catalogue: Catalogue
    events: pl.DataFrame
    profiles: pl.DataFrame
    config: RankConfig
    allowed: Allowed
    seed: int = 0

    @property
    def tasks(self) -> tuple[TaskConfig, ...]:
        """What is foretold."""
        return self.config.foretold

    def cases(self, starts: Sequence[int]) -> Iterator[tuple[int, Cases]]:
        """(number of the moment, some of its cases), moment after moment.

        Args:
            starts: what `moments` found.
        """
        schema = self.space.schema
        late = self.events.slice(starts[0])
        shown = shown_cases(late, self.tasks, schema) if late[TYPE].is_in(list(schema.shown)).any() else None
        live = LiveSignals(self.space.signals, self.catalogue) if self.space.signals else None
        random = np.random.default_rng(self.seed)
        ends = [*starts[1:], self.events.height]
        taken = 0
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if live is not None:
                live.take(self.events.slice(taken, start - taken))
            taken = start
            if shown is None:
                table = outcomes(self.events.slice(start, end - start), self.tasks, schema)
            else:
                table = shown.filter(pl.col(CASE).is_between(start - starts[0], end - starts[0], closed="left"))
            ids = table[USER].unique().sort()
            if len(ids) > self.config.questions:
                ids = ids.gather(np.sort(random.permutation(len(ids))[: self.config.questions]))
            known = self.events.head(start).join(ids.to_frame(), on=USER, how="semi", maintain_order="left")
            users = self.space.users(ids, known, self.catalogue, self.profiles, live=live)
            step = max(_CELLS // len(self.catalogue), 1)
            for first in range(0, len(ids), step):
                some = torch.arange(first, min(first + step, len(ids)))
                made = self._some(users.select(some), ids.slice(first, step), table, asked=shown is not None)
                if len(made):
                    yield number, made

    def _some(self, users: Users, ids: pl.Series, table: pl.DataFrame, *, asked: bool) -> Cases:
        """The cases of some users: what was shown to them if `asked`, else what is found for them."""
        found = [source.find(users, self.allowed) for source in self.sources]
        size = len(self.catalogue)
        owners = table.select(USER).join(
            ids.to_frame().with_row_index("owner"), on=USER, how="left", maintain_order="left"
        )["owner"].cast(pl.Int64).fill_null(-1).to_numpy()  # fmt: skip
        rows = self.catalogue.rows(table[ITEM]).numpy()
        keep = (owners >= 0) & (rows >= 0)
        if asked and self.allowed.exclude_seen:
            seen = torch.zeros(len(users), size, dtype=torch.bool)
            seen[users.history.owners, users.history.rows] = True
            keep[keep] = ~seen[torch.from_numpy(owners[keep]), torch.from_numpy(rows[keep])].numpy()
        table, owners, rows = table.filter(pl.Series(keep)), owners[keep], rows[keep]
        positions = None
        if asked:
            order = np.argsort(owners, kind="stable")
            cases = cases_of(users, torch.from_numpy(owners[order]), torch.from_numpy(rows[order]), found)
            labels = table.select(task.name for task in self.tasks).to_numpy().astype(np.float32)[order]
            positions = torch.tensor(table[POSITION].to_numpy()[order])
            came = torch.from_numpy(labels)
        else:
            cases = merge(users, found)
            came = spread(owners * size + rows, table, cases.owners * size + cases.rows, self.tasks)
        everyone = torch.arange(len(users))
        # The ranker looks at so many events: what lies before them need not be held.
        cut = users.select(everyone, last=self.config.history_length)
        return replace(cases, users=cut, labels=came, positions=positions)


def last_place(blocks: Sequence[Cases]) -> int:
    """The last place at which anything was shown; 0 where no place is known."""
    known = [int(one.positions.max()) for one in blocks if one.positions is not None and len(one)]
    return max(known, default=0)


def all_labels(blocks: Sequence[Cases]) -> Tensor:
    """[C, T] of all blocks, one after the other."""
    return torch.cat([one.labels for one in blocks if one.labels is not None])
