# SPDX-License-Identifier: Apache-2.0
"""What a run file may say of rules, and what it gets."""

import inspect
import re
from pathlib import Path

import msgspec
import polars as pl
import pytest

from logs import log, sift
from penchant.data import rules
from penchant.data.checks import ChecksConfig
from penchant.data.rules.rule import Choices, Known
from penchant.data.rules.table import RULES, configs, make
from penchant.errors import ConfigError
from penchant.registry import load

COLUMNS = ["user_id", "item_id", "time", "type", "value"]
EXTRAS = ["dwell", "amount", "quantity", "position", "propensity"]
TOLD = {"not_products": {"ids": ["POST"]}, "rating_range": {"lowest": 1}}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_what_the_table_says(name):
    rule = load(RULES, name, "rule")
    assert rule.name == name
    assert issubclass(rule.Config, Choices)
    assert rule.wants
    assert inspect.getdoc(rule)
    assert all(field.default is not msgspec.NODEFAULT for field in msgspec.structs.fields(rule.Config))


def test_every_rule_has_a_row_and_a_test():
    folder = Path(rules.__file__).parent
    rows = {address.split(":")[0].rpartition(".")[2] for address in RULES.values()}
    classes = {
        path.stem for path in folder.glob("*.py") if re.search(r'scope: ClassVar|"row"', path.read_text("utf-8"))
    }
    assert rows == classes - {"rule"}
    assert all((Path(__file__).parent / f"test_{name}.py").exists() for name in rows)


def test_rules_that_see_less_come_first():
    scopes = [load(RULES, name, "rule").scope for name in RULES]
    assert scopes == sorted(scopes, key=["row", "moment", "user", "all"].index)


def test_what_no_honest_log_holds_is_refused_by_default():
    made = make({}, [*COLUMNS, *EXTRAS], Known())
    assert [rule.name for rule in made] == [
        "missing_users", "impossible_dwell", "impossible_quantity", "impossible_amount", "impossible_position",
        "impossible_propensity", "duplicate", "returns",
    ]  # fmt: skip
    assert [rule.name for rule in make({}, COLUMNS, Known())] == ["missing_users", "duplicate"]


def test_a_rule_is_switched_off_and_on():
    chosen = {"missing_users": False, "duplicate": True, "near_duplicates": {"within": 5}, "bots": True}
    assert [rule.name for rule in make(chosen, COLUMNS, Known())] == ["duplicate", "near_duplicates", "bots"]
    assert configs(chosen)["near_duplicates"].within == 5


def test_what_cannot_work_is_said_only_where_it_was_asked_for():
    with pytest.raises(ConfigError, match=r"impossible_dwell: this rule needs a column dwell, which \[data\]"):
        make({"impossible_dwell": True}, COLUMNS, Known())
    with pytest.raises(ConfigError, match=r"bots: this rule needs a column time that is read off a clock"):
        make({"bots": {}}, COLUMNS, Known(clock=False))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"bot": True}, r"there is no rule 'bot' \(did you mean 'bots'"),
        ({"bots": {"rate": 3}}, r"\[data.checks.rules\] bots: unknown key 'rate'"),
        ({"bots": {"minutes": 0}}, r"\[data.checks.rules\] bots: minutes: Expected `float` > 0"),
        ({"bots": 7}, "bots: write true, false, or a table"),
        ({"rating_range": True}, "rating_range needs lowest, highest or both"),
    ],
)
def test_wrong_choices_are_named(chosen, words):
    with pytest.raises(ConfigError, match=words):
        configs(chosen)
    with pytest.raises(ConfigError, match=words):
        msgspec.convert({"rules": chosen}, ChecksConfig)


def test_the_older_keys_are_choices_of_rules():
    assert ChecksConfig().chosen == {}
    older = ChecksConfig(duplicates="keep", min_user_events=5, rules={"bots": True})
    assert older.chosen == {"duplicate": False, "too_few_events": {"user": 5, "item": 0}, "bots": True}
    assert "too_few_events" in {rule.name for rule in make(older.chosen, COLUMNS, Known())}
    assert ChecksConfig(duplicates="keep", rules={"duplicate": True}).chosen == {"duplicate": True}


def dirty(rows=400):
    """A log with something wrong for nearly every rule, the same each time."""
    n = pl.int_range(rows, eager=True)
    return log(
        user_id=(n % 7).cast(pl.String).set(n % 50 == 0, "null").to_list(),
        item_id=(n % 11).cast(pl.String).set(n % 31 == 0, "POST").to_list(),
        seconds=(n * 13 % 97).to_list(),
        value=(n % 9).to_list(),
        dwell=(n % 17 - 1).to_list(),
        amount=(n % 13 - 1).to_list(),
        quantity=(n % 5 - 1).to_list(),
        position=(n % 19).to_list(),
        propensity=(n % 10 / 8).to_list(),
    )


ALL = {**dict.fromkeys(RULES, True), **TOLD, "too_few_events": {"user": 3, "item": 3}}


def test_all_rules_together_lose_no_row_and_repeat_themselves():
    events = dirty()
    known = Known(items=events.lazy().select("item_id"), users=events.lazy().select("user_id"))
    made = make(ALL, events.columns, known)
    assert len(made) == len(RULES)
    kept, fallen = sift(made, events)
    assert kept.height
    assert kept.height + len(fallen) == events.height
    assert sift(made, kept)[1] == {}
    shuffled, again = sift(made, events.sample(fraction=1, shuffle=True, seed=3))
    assert again == fallen
    assert shuffled.sort("_at").equals(kept)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_bears_an_empty_table_and_streams(name):
    events = dirty()
    known = Known(items=events.lazy().select("item_id"), users=events.lazy().select("user_id"))
    choices = ALL if isinstance(ALL[name], dict) else {name: True}
    rule = next(one for one in make({name: choices[name]}, events.columns, known) if one.name == name)
    assert rule.broken(events.clear().lazy()).collect().is_empty()
    lazy = rule.broken(events.sort("time", "_at").lazy())
    streamed = lazy.collect(engine="streaming").sort("_at")
    assert streamed.equals(lazy.collect().sort("_at"))
