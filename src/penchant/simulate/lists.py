# SPDX-License-Identifier: Apache-2.0
"""The lists that visitors are shown: which item stands where, and how likely a click on it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penchant.simulate import behaviour, tastes
from penchant.simulate.policy import HOME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.config import ShopConfig
    from penchant.simulate.policy import Policy
    from penchant.simulate.seasons import Calendar
    from penchant.simulate.streams import Streams
    from penchant.simulate.things import Things
    from penchant.simulate.visits import Visits


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Filled places of lists, list by list and from the top; what is said of shape [n] is by place.

    Attributes:
        visits: who is shown them.
        first_session: what the first of the visits is called in the log.
        places: of each list, filled or not.
        list: which list, [n].
        place: from 0, [n].
        visit: which visit, [n].
        page: code, [n].
        item: row, [n].
        id: the item's, [n].
        propensity: [n].
        affinity: of user and item now, [n].
        discount: on the item now, [n].
        click_chance: looking included, [n].
    """

    visits: Visits
    first_session: int
    places: int
    list: NDArray[np.int64]
    place: NDArray[np.int64]
    visit: NDArray[np.int64]
    page: NDArray[np.int64]
    item: NDArray[np.int64]
    id: NDArray[np.int64]
    propensity: NDArray[np.float64]
    affinity: NDArray[np.float32]
    discount: NDArray[np.float64]
    click_chance: NDArray[np.float64]


def show(
    visits: Visits, day: int, first_session: int, *,
    config: ShopConfig, policy: Policy, things: Things, calendar: Calendar, streams: Streams,
) -> Shown:  # fmt: skip
    """Fill the lists of some visits.

    Args:
        visits: of one day.
        day: which.
        first_session: what the first visit is called in the log.
        config: how long lists are, and how people click.
        policy: fills them.
        things: the items.
        calendar: seasons and sales.
        streams: of the day.
    """
    size = (len(visits.page), config.list_length)
    item, propensity, filled = policy.fill(visits.page, streams["places"].random(size))
    at, place = np.nonzero(filled)
    row, visit = item[at, place], visits.visit[at]
    affinity = tastes.match(visits.taste[visit], things.vector[row])
    season = calendar.season(np.arange(HOME), day)[things.category[row]]
    looked = behaviour.look(config.habits, np.arange(1, config.list_length + 1))[place]
    return Shown(
        visits=visits,
        first_session=first_session,
        places=config.list_length,
        list=at,
        place=place,
        visit=visit,
        page=visits.page[at],
        item=row,
        id=things.id[row],
        propensity=propensity[at, place],
        affinity=affinity,
        discount=things.rebate[row] * calendar.sale(day),
        click_chance=looked * behaviour.click(config.habits, affinity, things.quality[row], season),
    )
