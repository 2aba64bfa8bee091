# SPDX-License-Identifier: Apache-2.0
"""Helpers beside the tests assert as tests do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("conformance", "shop", "worlds")
