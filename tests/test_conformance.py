# SPDX-License-Identifier: Apache-2.0
"""Every model of the table conforms, and everything that stands in a table has a test."""

from __future__ import annotations

import importlib
import pkgutil
from inspect import isabstract
from pathlib import Path

import pytest

import penchant.content
import penchant.models
from conformance import ModelConformance
from penchant import registry
from penchant.content.encoder import ContentEncoder
from penchant.models.recommender import Learned, Recommender, Solved

TABLES = {"models": (registry.MODELS, penchant.models, Recommender)}
TABLES["content"] = (registry.ENCODERS, penchant.content, ContentEncoder)


@pytest.mark.parametrize("kind", sorted(registry.MODELS))
class TestModels(ModelConformance):
    """A new row of the table is tested without being named."""

    def test_is_solved_or_learned_and_has_a_strict_config(self, kind):
        found = registry.load(registry.MODELS, kind, "model")
        assert issubclass(found, Solved) != issubclass(found, Learned)
        config = found.Config.__struct_config__
        assert config.frozen
        assert config.forbid_unknown_fields


def _subclasses(base):
    for found in base.__subclasses__():
        yield found
        yield from _subclasses(found)


class TestTables:
    """A test that every class has a test."""

    @pytest.mark.parametrize("folder", sorted(TABLES))
    def test_every_class_stands_in_its_table(self, folder):
        table, package, base = TABLES[folder]
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
        written = {
            f"{found.__module__}:{found.__qualname__}"
            for found in _subclasses(base)
            if found.__module__.startswith(f"{package.__name__}.") and not isabstract(found)
        }
        assert written == set(table.values())

    @pytest.mark.parametrize("folder", sorted(TABLES))
    def test_every_class_of_a_table_has_a_test_of_its_own(self, folder):
        table, *_ = TABLES[folder]
        for path in table.values():
            module, name = path.split(":")
            test = Path(__file__).parent / folder / f"test_{module.rsplit('.', 1)[1]}.py"
            assert test.is_file(), f"{name} has no {test.name}"
            assert name in test.read_text(encoding="utf-8"), f"{test.name} does not test {name}"
