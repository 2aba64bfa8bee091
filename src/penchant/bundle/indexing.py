# SPDX-License-Identifier: Apache-2.0
"""Whether a bundle's items are found through an index, and for whom that is tried out."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import polars as pl
import torch

from penchant.bundle.bundle import open_bundle
from penchant.errors import MissingExtraError
from penchant.models.recommender import VectorRecommender
from penchant.recommend.nearest import LEAST
from penchant.schema import USER

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.bundle.bundle import Bundle

LOG = logging.getLogger(__name__)

Search = Literal["auto", "exact", "index"]
"""How the best of all items are found."""

_TRIED_ON = 200
"""Users."""


def open_indexed(path: Path | str, search: Search = "auto") -> Bundle:
    """Open a bundle as `open_bundle`, and make an index over its items, if one is asked for or pays.

    Raises:
        BundleError: it cannot be opened.
        MissingExtraError: an index is asked for, and its library is not installed.
    """
    return indexed(open_bundle(path), search)


def indexed(bundle: Bundle, search: Search) -> Bundle:
    """`bundle` with an index over its items, if one is asked for or pays; what can have none stays as it is.

    A second stage looks at how each candidate stands among all items, so all are scored for it.
    """
    pipeline = bundle.pipeline
    if search == "exact" or pipeline.second is not None or (search == "auto" and len(pipeline.catalogue) < LEAST):
        return bundle
    if pipeline.item_vectors is None or not isinstance(pipeline.model, VectorRecommender):
        if search == "index":
            LOG.warning("the model %s has no vectors to be indexed: all items are scored", bundle.manifest.kind)
        return bundle
    everyone = bundle.events[USER].unique().sort()
    step = max(1, len(everyone) // _TRIED_ON)
    # One of whom nothing is known asks as well.
    some = pl.concat([everyone.gather_every(step).head(_TRIED_ON), pl.Series(USER, [None], dtype=everyone.dtype)])
    events = bundle.events.filter(pl.col(USER).is_in(some.implode()))
    users = pipeline.space.users(some, events, pipeline.catalogue, bundle.users)
    try:
        with torch.inference_mode():
            return replace(bundle, pipeline=pipeline.indexed(pipeline.model.encode_user(users)))
    except MissingExtraError as error:
        if search == "index":
            raise
        LOG.warning("all %s items are scored for each answer: %s", f"{len(pipeline.catalogue):,}", error)
        return bundle
