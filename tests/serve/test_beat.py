# SPDX-License-Identifier: Apache-2.0
"""Work that is done again and again, whatever becomes of it once."""

import logging
import threading

import pytest

from penchant.errors import DataError
from penchant.serve.beat import Beat


@pytest.mark.parametrize("error", [DataError("the database is away"), ValueError("ill")])
def test_work_that_fails_is_tried_again_and_told_of_once(error, caplog):
    calls, enough = [], threading.Event()

    def work():
        calls.append(threading.current_thread().name)
        if len(calls) in (2, 3, 5):
            raise error
        if len(calls) > 5:
            enough.set()

    with caplog.at_level(logging.WARNING), Beat(work, 0.001):
        assert enough.wait(20)
    done = len(calls)
    assert set(calls) == {"penchant-work"}
    assert sum("away" in one.getMessage() or "tried again" in one.getMessage() for one in caplog.records) == 2
    assert len(calls) == done
