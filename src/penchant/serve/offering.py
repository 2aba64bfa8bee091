# SPDX-License-Identifier: Apache-2.0
"""How answers are offered: by which variant, with how much left to chance, and written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penchant.serve import answering
from penchant.serve.answering import Asked
from penchant.serve.impressiontable import Shown

if TYPE_CHECKING:
    from penchant.batch import Users
    from penchant.recommend.explore import ExploreConfig
    from penchant.recommend.wishes import Wishes
    from penchant.serve.impressions import ImpressionLog
    from penchant.serve.running import Running
    from penchant.serve.wire import Id, Recommendations


@dataclass(frozen=True)
class Place:
    """Who answers somebody, and as which variant of which experiment."""

    running: Running
    experiment: str | None = None
    variant: str | None = None


class Offering:
    """Answers, explored and written down.

    Args:
        impressions: the log of what was shown; None writes nothing down, and then nothing explores.
        explore: how much places of a list explore; None for not at all.
        every: whether all lists are written down; else those of experiments are.
    """

    def __init__(
        self, impressions: ImpressionLog | None = None, explore: ExploreConfig | None = None, *, every: bool = True
    ) -> None:
        self.impressions = impressions
        self._explore = explore if impressions and every else None
        self._every = every

    def answer(
        self,
        place: Place,
        users: Users,
        now: int,
        *,
        user_id: Id | None,
        known: bool,
        k: int,
        exclude_seen: bool,
        wishes: Wishes | None,
        request_id: str,
    ) -> Recommendations:
        """The list for somebody, written down if the request has an id.

        Args:
            place: who answers.
            users: who asks (B = 1).
            now: microseconds since 1970.
            user_id: who asks, if that is known.
            known: whether anything is known of them.
            k: how many items.
            exclude_seen: whether what they did is left out.
            wishes: what else is wished.
            request_id: of the request; empty for one that comes from inside, which is neither explored nor kept.

        Raises:
            FieldError, WishError: name the wish that cannot be.
        """
        asked = Asked(
            k=k,
            exclude_seen=exclude_seen,
            wishes=wishes,
            explore=self._explore if request_id else None,
            request_id=request_id,
        )
        answer, propensities = answering.recommend(place.running, users, now, asked, known=known)
        if self.impressions and request_id and (self._every or place.experiment) and answer.items:
            self.impressions.show(
                Shown(
                    request_id=request_id,
                    time=now,
                    user_id=user_id,
                    bundle=answer.bundle,
                    items=[one.item_id for one in answer.items],
                    propensities=propensities,
                    experiment=place.experiment,
                    variant=place.variant,
                )
            )
        return answer
