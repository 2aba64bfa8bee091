# SPDX-License-Identifier: Apache-2.0
"""EASE against the formula of the paper."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from penchant.models.ease import EASE
from penchant.models.interactions import interactions


@pytest.mark.parametrize("reg", [0.5, 300.0])
def test_weights_are_the_closed_form(reg):
    one = worlds.train("ease", worlds.checkerboard())
    users = one.everyone()
    model = EASE(EASE.Config(reg=reg), one.space.sizes)
    model.solve(users)
    x = interactions(users, one.space.sizes.items).toarray().astype(np.float64)
    inverse = np.linalg.inv(x.T @ x + reg * np.eye(x.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    items = users.catalogue
    np.testing.assert_allclose(model.state()["weights"].numpy(), weights, atol=1e-6)
    np.testing.assert_allclose(model.score(users, items).numpy(), (x @ weights)[:, items.ids.numpy()], atol=1e-5)
    affinity = model.affinity(items, items).numpy()
    np.testing.assert_allclose(affinity, weights[items.ids.numpy()][:, items.ids.numpy()], atol=1e-6)


def test_an_item_does_not_foretell_itself():
    one = worlds.train("ease", worlds.checkerboard())
    assert not one.model.state()["weights"].diagonal().any()
