# SPDX-License-Identifier: Apache-2.0
"""The table of names, and the strict reading of a configuration."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import pytest

from penchant import registry
from penchant.errors import ConfigError
from penchant.registry import load, read_config


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    depth: int = 1


class Outer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    epochs: Annotated[int, msgspec.Meta(ge=1)] = 3
    name: str | None = None
    inner: Inner | None = None
    several: list[Inner] = []
    named: dict[str, Inner] = {}
    choice: dict[str, int] = {}


def read(table):
    return read_config(Outer, table, "run.toml [train]")


def test_every_row_of_every_table_can_be_loaded():
    for table in (registry.MODELS, registry.ENCODERS):
        for kind, path in table.items():
            assert load(table, kind, "thing").__name__ == path.split(":")[1]


def test_nothing_is_imported_until_it_is_named():
    table = {"x": "wave:Wave_read"}
    sys.modules.pop("wave", None)
    assert "wave" not in sys.modules
    assert load(table, "x", "thing").__name__ == "Wave_read"


@pytest.mark.parametrize("kind", ["sasrek", "os:system", "penchant.models.sasrec:SASRec", ""])
def test_a_name_that_is_not_in_the_table_is_refused(kind):
    with pytest.raises(ConfigError, match=f"There is no model '{kind}' .*sasrec"):
        load(registry.MODELS, kind, "model")


def test_a_table_becomes_a_struct():
    found = read({"epochs": 5, "inner": {"depth": 2}, "several": [{}], "named": {"a": {"depth": 3}}})
    assert found == Outer(epochs=5, inner=Inner(depth=2), several=[Inner()], named={"a": Inner(depth=3)})
    assert read({}) == Outer()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"epoch": 1}, r"^run.toml \[train\]: unknown key 'epoch' \(did you mean 'epochs'\?\)$"),
        ({"zzz": 1}, r"^run.toml \[train\]: unknown key 'zzz' \(known: choice, epochs, inner, name, named"),
        ({"inner": {"dept": 1}}, r"^run.toml \[train\] \[inner\]: unknown key 'dept' \(did you mean 'depth'"),
        ({"several": [{}, {"dept": 1}]}, r"\[several\[1\]\]: unknown key 'dept' \(did you mean 'depth'"),
        ({"named": {"a": {"dept": 1}}}, r"\[named\[...\]\]: unknown key 'dept' \(did you mean 'depth'"),
        ({"epochs": "many"}, r"^run.toml \[train\]: epochs: Expected `int`, got `str`$"),
        ({"epochs": 0}, r"^run.toml \[train\]: epochs: Expected `int` >= 1$"),
        ({"several": [{"depth": None}]}, r"several\[0\].depth: Expected `int`, got `null`"),
        ("text", r"^run.toml \[train\]: table: Expected `object`, got `str`$"),
    ],
)
def test_what_is_wrong_is_named(table, message):
    with pytest.raises(ConfigError, match=message):
        read(table)


def test_messages_do_not_drag_the_librarys_traceback_along():
    with pytest.raises(ConfigError) as caught:
        read({"epoch": 1})
    assert caught.value.__suppress_context__
