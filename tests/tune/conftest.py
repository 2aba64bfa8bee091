# SPDX-License-Identifier: Apache-2.0
"""Models with a knob stand in the table of models."""

import pytest

import knobs
from penchant import registry


@pytest.fixture(autouse=True)
def _knobs(monkeypatch):
    for kind, place in knobs.MODELS.items():
        monkeypatch.setitem(registry.MODELS, kind, place)
