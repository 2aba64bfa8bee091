# SPDX-License-Identifier: Apache-2.0
"""The table of rules, in the order in which they are asked, and the choice that a run file makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penchant.errors import ConfigError, nearest
from penchant.registry import load, read_config

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from penchant.data.rules.rule import Choices, Known, Rule

RULES: dict[str, str] = {
    "missing_users": "penchant.data.rules.ids:MissingUsers",
    "not_products": "penchant.data.rules.ids:NotProducts",
    "unknown_items": "penchant.data.rules.ids:UnknownItems",
    "unknown_users": "penchant.data.rules.ids:UnknownUsers",
    "impossible_dwell": "penchant.data.rules.impossible:Dwell",
    "impossible_quantity": "penchant.data.rules.impossible:Quantity",
    "impossible_amount": "penchant.data.rules.impossible:Amount",
    "impossible_position": "penchant.data.rules.impossible:Position",
    "impossible_propensity": "penchant.data.rules.impossible:Propensity",
    "rating_range": "penchant.data.rules.impossible:RatingRange",
    "duplicate": "penchant.data.rules.duplicates:Duplicates",
    "returns": "penchant.data.rules.returns:Returns",
    "near_duplicates": "penchant.data.rules.duplicates:NearDuplicates",
    "bots": "penchant.data.rules.bots:Bots",
    "too_few_events": "penchant.data.rules.core:Core",
}
"""Rules by name: those that look at single rows first, then at a user's events, then at all of them."""

Chosen = dict[str, Any]
"""The run file's `[data.checks.rules]`: by name `true`, `false`, or a table of choices, which means on."""

_WHERE = "[data.checks.rules]"


def configs(chosen: Mapping[str, Any]) -> dict[str, Choices]:
    """The choices of every rule that is on, in the order of the table.

    Raises:
        ConfigError: there is no such rule, or no such choice, or a rule is on that needs to be told something.
    """
    for name, said in chosen.items():
        if name not in RULES:
            raise ConfigError(f"{_WHERE}: there is no rule {name!r}{nearest(name, RULES)}")
        if not isinstance(said, bool | dict):
            raise ConfigError(f"{_WHERE} {name}: write true, false, or a table of choices such as {{ ... }}")
    found: dict[str, Choices] = {}
    for name in RULES:
        rule = load(RULES, name, "rule")
        said = chosen.get(name, rule.on_by_default)
        if said is not False:
            found[name] = read_config(rule.Config, said if isinstance(said, dict) else {}, f"{_WHERE} {name}")
    return found


def make(chosen: Mapping[str, Any], columns: Collection[str], known: Known) -> list[Rule]:
    """The rules that are at work on a table of events, in the order in which they are to be asked.

    A rule that is on by default is left out where it has nothing to look at; one that the run file names must
    not be.

    Args:
        chosen: the run file's `[data.checks.rules]`.
        columns: of the events.
        known: what else is known.

    Raises:
        ConfigError: as `configs`, or a rule is asked for that lacks what it looks at.
    """
    rules: list[Rule] = []
    for name, config in configs(chosen).items():
        rule: Rule = load(RULES, name, "rule")(config, known)
        if rule.needs(columns):
            rules.append(rule)
        elif name in chosen:
            raise ConfigError(f"{_WHERE} {name}: this rule needs {rule.wants}, which [data] does not name")
    return rules
