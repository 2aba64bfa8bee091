# SPDX-License-Identifier: Apache-2.0
"""Who did something with what, as a sparse matrix, and what goes with what: the input of the classic models."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from penchant.threads import side_by_side

if TYPE_CHECKING:
    from penchant.batch import Users

_PARTS = 16
"""Into how many the rows of a Gram matrix are cut; the more, the less of its other half is computed too."""


def interactions(users: Users, n_items: int) -> sparse.csr_array:
    """[B, V] float32 of ones, V the size of the item vocabulary; repeats count once, unknown items never."""
    ids = users.catalogue.ids[users.history.rows].numpy()
    owners = users.history.owners.numpy()
    # Narrow indices where they suffice: sparse products are as fast as memory brings them.
    width = np.int32 if max(len(ids), len(users), n_items) < 2**31 else np.int64
    keep = ids > 1
    places = (owners[keep].astype(width), ids[keep].astype(width))
    matrix = sparse.csr_array((np.ones(len(places[0]), dtype=np.float32), places), shape=(len(users), n_items))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def gram(matrix: sparse.csr_array) -> np.ndarray:
    """[V, V] float32, laid out whole: how often any two columns of `matrix` [B, V] meet.

    It is symmetric, so each part of its rows is computed from the diagonal on and put down twice.
    """
    n = matrix.shape[1]
    found = np.empty((n, n), dtype=np.float32)
    by_column = matrix.T.tocsr()

    def fill(rows: tuple[int, int]) -> None:
        start, stop = rows
        part = (by_column[start:stop] @ matrix[:, start:]).toarray()
        found[start:stop, start:] = part
        found[start:, start:stop] = part.T

    with side_by_side() as each:
        each(fill, pairwise(np.unique(np.linspace(0, n, _PARTS + 1).astype(int)).tolist()))
    return found
