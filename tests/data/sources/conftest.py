# SPDX-License-Identifier: Apache-2.0
"""Made files are not to meet real ones."""

import pytest

from penchant.data import sources


@pytest.fixture(autouse=True)
def _no_real_data(monkeypatch):
    monkeypatch.delenv(sources.VARIABLE, raising=False)
