# SPDX-License-Identifier: Apache-2.0
"""Benchmarks are run by hand, so a name that went away would be noticed late: what they import is there."""

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
SCRIPTS = sorted([*FOLDER.glob("*.py"), *(FOLDER / "peers").glob("*.py")])


def imported(script):
    """(module, name) of everything that a script takes from penchant."""
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "penchant":
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_benchmark_imports_is_there(script):
    for module, name in imported(script):
        whole = importlib.import_module(module)
        assert hasattr(whole, name) or importlib.util.find_spec(f"{module}.{name}"), f"{module} has no {name}"


def test_the_benchmarks_were_found():
    assert any(list(imported(script)) for script in SCRIPTS)
