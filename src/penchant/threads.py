# SPDX-License-Identifier: Apache-2.0
"""Independent parts of one computation side by side, each in one thread.

torch shares every single operation out among its threads, and all of them wait at its end. Where operations are
small, or a core is busy with something else, that waiting costs many times the work. So a model that has
independent parts to compute gives whole parts to threads instead, and one thread computes a part alone. How many
threads there are is said where the process begins (`torch.set_num_threads`, `OMP_NUM_THREADS`), never here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Part = TypeVar("Part")
Made = TypeVar("Made")


class Each(Protocol):
    """What `side_by_side` gives."""

    def __call__(self, work: Callable[[Part], Made], parts: Iterable[Part], /) -> list[Made]:
        """`work` of each part, in the order of the parts.

        `work` may change nothing that another part reads or changes. What it raises for a part is raised here,
        and parts that had not begun are left undone.
        """
        ...


@contextmanager
def side_by_side() -> Iterator[Each]:
    """Inside, single operations take one thread, and what this gives computes parts in as many as torch had."""
    threads = torch.get_num_threads()
    if threads == 1:
        yield _in_turn
        return
    # For this thread, and again in each new one: torch tells its libraries of no thread but the one it is in.
    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(threads, "penchant-part", initializer=torch.set_num_threads, initargs=(1,))
    # torch keeps these for each thread.
    learns, asked = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    rounds, to = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def each(work: Callable[[Part], Made], parts: Iterable[Part], /) -> list[Made]:
        def as_here(part: Part) -> Made:
            with (
                torch.inference_mode(asked),
                torch.set_grad_enabled(learns),
                torch.autocast("cpu", dtype=to, enabled=rounds),
            ):
                return work(part)

        parts = list(parts)
        return list(pool.map(as_here, parts)) if len(parts) > 1 else _in_turn(work, parts)

    try:
        yield each
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def _in_turn(work: Callable[[Part], Made], parts: Iterable[Part], /) -> list[Made]:
    return [work(part) for part in parts]
