# SPDX-License-Identifier: Apache-2.0
"""Aggregates by definition: for each event, a look at all events before it. Plain Python, O(n^2)."""

import math

from penchant.features.aggregates.measures import Measures, Plan
from penchant.schema import MICROSECONDS, EventType, IdType, Meaning, Schema

DAY = 86_400 * MICROSECONDS
TYPES = ("buy", "hate", "view")
MEANINGS = {
    "buy": EventType(meaning=Meaning.PURCHASE, strength=2.5),
    "hate": EventType(meaning=Meaning.DISLIKE, sign=-1),
    "view": EventType(meaning=Meaning.VIEW, strength=0.25),
}
HALF_LIVES = (0.5, 3.0)
SCHEMA = Schema(
    user_id=IdType.INTEGER,
    item_id=IdType.INTEGER,
    event_types=TYPES,
    meanings=MEANINGS,
    has_value=True,
    extras=("dwell", "amount", "quantity"),
)


def plan(*names):
    return Plan(Measures.choose(names or True, HALF_LIVES, SCHEMA))


def columns(past, now):
    """All but `distinct`: {column: number or NaN} of an owner whose events are `past`, at `now`."""
    now = max([now, *(event["time"] for event in past)])
    made = {"events": float(len(past))}
    for name in TYPES:
        made[f"events_{name}"] = float(sum(event["type"] == name for event in past))
    for meaning in {one.meaning.value for one in MEANINGS.values()}:
        made[f"meaning_{meaning}"] = float(
            sum(event["type"] in MEANINGS and MEANINGS[event["type"]].meaning.value == meaning for event in past)
        )
    told = [MEANINGS[event["type"]] for event in past if event["type"] in MEANINGS]
    made["taste"] = sum(one.sign * one.strength for one in told)
    for name in ("value", "dwell", "amount", "quantity"):
        numbers = [event[name] for event in past if event.get(name) is not None]
        if name != "value":
            made[f"{name}_sum"] = sum(numbers)
        if name in ("value", "dwell"):
            made[f"{name}_mean"] = sum(numbers) / len(numbers) if numbers else math.nan
    times = [event["time"] for event in past]
    made["since_last"] = (now - max(times)) / MICROSECONDS if times else math.nan
    made["since_first"] = (now - min(times)) / MICROSECONDS if times else math.nan
    for name, days in zip(("recent", "lately"), HALF_LIVES, strict=True):
        made[name] = sum(2 ** (-(now - time) / DAY / days) for time in times)
    made["trend"] = made["recent"] / made["lately"] if made["lately"] > 0 else math.nan
    return made
