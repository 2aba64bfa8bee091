# SPDX-License-Identifier: Apache-2.0
"""Helpers beside the tests assert as tests do, and no test is held to a clock."""

from __future__ import annotations

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("conformance", "shop", "worlds")

# A machine that is busy with something else must not fail a test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
