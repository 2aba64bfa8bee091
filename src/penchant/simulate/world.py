# SPDX-License-Identifier: Apache-2.0
"""All that is true of a shop before anything happens in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penchant.simulate.friends import Friends, draw_friends
from penchant.simulate.people import People, draw_people
from penchant.simulate.seasons import Calendar
from penchant.simulate.tastes import Vectors, attribute_vectors
from penchant.simulate.things import Things, draw_things

if TYPE_CHECKING:
    from penchant.simulate.config import ShopConfig


@dataclass(frozen=True, kw_only=True)
class World:
    """A shop, its users and their friendships.

    Attributes:
        config: what was chosen.
        known: the vectors of attributes.
        people: the users.
        things: the items.
        friends: who knows whom.
        calendar: seasons, sales, busy days.
    """

    config: ShopConfig
    known: Vectors
    people: People
    things: Things
    friends: Friends
    calendar: Calendar


def draw_world(config: ShopConfig) -> World:
    """Draw everything by lot, the same for the same choices."""
    known = attribute_vectors(config.seed)
    people = draw_people(config, known)
    return World(
        config=config,
        known=known,
        people=people,
        things=draw_things(config, known),
        friends=draw_friends(config, people.group),
        calendar=Calendar.draw(config.start, config.days, config.seed),
    )
