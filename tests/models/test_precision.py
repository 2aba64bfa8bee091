# SPDX-License-Identifier: Apache-2.0
"""Whoever trains decides how exactly."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch

import penchant
from penchant.models.precision import exact, of_products


def test_products_are_as_exact_as_autocast_says():
    here = torch.ones(2, 2)
    assert of_products(here) is torch.float32
    assert of_products(here.double()) is torch.float64
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert of_products(here) is torch.bfloat16
        assert (here @ here).dtype is torch.bfloat16
        with exact(here):
            assert of_products(here) is torch.float32
            assert (here @ here).dtype is torch.float32


HOME = Path(penchant.__file__).parent
MODELS = sorted([*HOME.glob("models/*.py"), *HOME.glob("rank/*.py")])


@pytest.mark.parametrize("path", MODELS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_model_names_no_device(path):
    words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    assert not words & {"cpu", "cuda", "mps", "xpu"}
