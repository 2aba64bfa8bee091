# SPDX-License-Identifier: Apache-2.0
"""What a service looks after again and again while it runs: what others wrote, which bundle is current."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Self

from penchant.errors import PenchantError

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = logging.getLogger(__name__)


class Beat:
    """Calls something again and again, in a thread of its own, from `with` to its end.

    Args:
        work: what is called; a `PenchantError` of it is logged when it first comes, and it is called again.
        every: seconds between the end of one call and the next.
    """

    def __init__(self, work: Callable[[], object], every: float) -> None:
        self._work = work
        self._every = every
        self._ended = threading.Event()
        self._ailing = ""
        self._thread = threading.Thread(target=self._run, name=f"penchant-{work.__name__}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self._work()
            except PenchantError as error:
                if str(error) != self._ailing:
                    LOG.warning("%s", error)
                self._ailing = str(error)
            except Exception:  # a thread that ends in silence would be worse than any of its failures
                if not self._ailing:
                    LOG.exception("%s failed, and is tried again", self._work.__name__)
                self._ailing = "unforeseen"
            else:
                self._ailing = ""
