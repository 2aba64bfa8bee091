# SPDX-License-Identifier: Apache-2.0
"""`[rank]` of a run file: what is wrong is named before any work begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from penchant.config import RunConfig
from penchant.errors import ConfigError
from penchant.rank.config import RankConfig
from penchant.registry import read_config

HEAD = '[data]\nname = "x"\n[data.events]\npath = "x.csv"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("experts = 'mmo'", "experts"),
        ("expert = 'mmoe'", "unknown key 'expert'.*experts"),
        ("score = 'click.x'", "only numbers, names"),
        ("[[tasks]]\nname = 'a'\n[[tasks]]\nname = 'a'", "two tasks are called 'a'"),
        ("[[tasks]]\nname = 'a'\nafter = 'b'", "'a' comes after 'b'"),
        ("[[tasks]]\nnam = 'a'", "unknown key 'nam'"),
        ("[[tasks]]\nname = 'a'\nkind = 'regression'", "needs one"),
        ("[[sources]]\nkind = 'eaze'", "no model 'eaze'.*ease"),
        ("[[sources]]\nkind = 'ease'\nsettings = { rex = 1 }", "settings of the source 'ease': unknown key 'rex'"),
        ("moments = 2\nholdout = 0.1", "leaves none"),
        ("moments = 2\nholdout = 0.9", "or all"),
        ("negatives = 0", "negatives"),
    ],
)
def test_what_is_wrong_is_named(text, said):
    import tomllib

    with pytest.raises(ConfigError, match=said):
        read_config(RankConfig, tomllib.loads(text), "run.toml [rank]")


def test_a_run_file_has_a_second_stage_only_where_it_says_so():
    assert not RunConfig.parse(HEAD, Path("run.toml")).ranks
    run = RunConfig.parse(HEAD + "[rank]\n", Path("run.toml"))
    assert run.ranks
    assert run.read(RankConfig, "rank") == RankConfig()
    with pytest.raises(ConfigError, match=r"run.toml.*\[rank\]"):
        RunConfig.parse(HEAD + "[rank]\nslice = 2", Path("run.toml"))


def test_defaults_foretell_whether_an_item_is_taken():
    config = RankConfig()
    assert [task.name for task in config.foretold] == ["taken"]
    assert config.formula.text == "taken"
    assert config.held_moments == 3
