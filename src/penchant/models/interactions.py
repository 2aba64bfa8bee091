# SPDX-License-Identifier: Apache-2.0
"""Who did something with what, as a sparse matrix: the input of the classic models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from penchant.batch import Users


def interactions(users: Users, n_items: int) -> sparse.csr_array:
    """[B, V] float32 of ones, V the size of the item vocabulary; repeats count once, unknown items never."""
    ids = users.catalogue.ids[users.history.rows].numpy()
    owners = users.history.owners.numpy()
    keep = ids > 1
    matrix = sparse.csr_array(
        (np.ones(int(keep.sum()), dtype=np.float32), (owners[keep], ids[keep])), shape=(len(users), n_items)
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
