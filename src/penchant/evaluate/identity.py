# SPDX-License-Identifier: Apache-2.0
"""Whether two models were asked the same question: fingerprints of all that makes one, over raw ids.

They do not depend on a run, on the order of a catalogue or on what a model was told of its items, so runs of
different models, features and seeds can be compared, and runs with another split or other data cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.artefact import fingerprint

if TYPE_CHECKING:
    from penchant.evaluate.protocol import Question

USERS, TARGETS, ITEMS, KNOWN = (
    "the users who were asked",
    "what was to be found",
    "the items that competed",
    "what was known beforehand",
)


def identity(question: Question) -> dict[str, str]:
    """By what it is of, in words, the fingerprint of each part of a question."""
    ids = question.catalogue.ids.gather(question.candidates)
    counts = question.popularity[question.candidates]
    order = ids.arg_sort().to_numpy()
    lengths = question.users.history.lengths.numpy()
    return {
        USERS: fingerprint(*_bytes(question.ids)),
        TARGETS: fingerprint(question.relevant.offsets.tobytes(), *_bytes(question.items)),
        ITEMS: fingerprint(*_bytes(ids.gather(order)), question.config.repeats),
        KNOWN: fingerprint(question.n_known, np.ascontiguousarray(counts[order]).tobytes(), lengths.tobytes()),
    }


def differences(a: dict[str, str], b: dict[str, str]) -> list[str]:
    """In what, in words, two questions differ."""
    return [what for what in (USERS, TARGETS, ITEMS, KNOWN) if a.get(what) != b.get(what)]


def _bytes(ids: pl.Series) -> tuple[str, bytes]:
    """The type and the values of raw ids, the same on every machine and in every version of a library."""
    if ids.dtype == pl.Int64:
        return "integer", ids.to_numpy().astype("<i8").tobytes()
    sizes = ids.str.len_bytes().to_numpy().astype("<i8").tobytes()
    return "string", sizes + str(ids.str.join("").item()).encode()
