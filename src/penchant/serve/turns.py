# SPDX-License-Identifier: Apache-2.0
"""Where an answer is computed: at once on the event loop while answers are quick, else in a thread.

Handing a request to a thread and back costs as much as computing a short answer (measured: 0.3 to 2 ms, by
machine), and small torch operations hold the interpreter's lock, so that threads do not run them side by side
anyway. A long answer on the event loop, on the other hand, would hold up everybody's sockets.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

THREADS = 2
"""Long answers that are computed at the same time. More than cores only makes each of them slower."""

QUICK = 0.005
"""Seconds; while answers take less than this, they are computed on the event loop."""

_MEMORY = 0.9
"""Decay of the mean of the time that answers take."""


class Turns:
    """Gives each answer its place. To be used from one event loop.

    Args:
        quick: seconds that an answer may take on the event loop; 0 sends all to threads.
    """

    def __init__(self, quick: float = QUICK) -> None:
        # OpenMP gives a new thread all cores, whatever the process was told: short answers then wait for others.
        self.pool = ThreadPoolExecutor(
            THREADS, "penchant-answer", initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),)
        )
        self._quick = quick
        self._usual: dict[str, float] = {}

    async def take(self, function: Callable[..., T], *args: Any) -> T:
        """`function(*args)`, wherever that is best; each function is timed for itself."""
        name = function.__name__
        usual = self._usual.get(name, 0.0)
        if usual < self._quick:
            result, seconds = _timed(function, *args)
        else:
            result, seconds = await self.aside(_timed, function, *args)
        self._usual[name] = _MEMORY * usual + (1 - _MEMORY) * seconds
        return result

    async def aside(self, function: Callable[..., T], *args: Any) -> T:
        """`function(*args)` in a thread: for what waits for a disk or is known to take long."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, function, *args)

    def close(self) -> None:
        """Wait for what is under way."""
        self.pool.shutdown()


def _timed(function: Callable[..., T], *args: Any) -> tuple[T, float]:
    start = time.perf_counter()
    return function(*args), time.perf_counter() - start
