# SPDX-License-Identifier: Apache-2.0
"""EASE against the formula of the paper."""

from __future__ import annotations

import resource

import numpy as np
import pytest

import worlds
from penchant.batch import Sizes
from penchant.errors import ConfigError
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


def test_a_catalogue_too_large_is_refused_before_memory_is_taken():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        ConfigError, match=r"40,981 items need 37.5 GiB .* memory = 8: .*block_ease.*min_item_events"
    ):
        EASE(EASE.Config(), Sizes(items=40_983, users=3, actions=3))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB
    EASE(EASE.Config(memory=0.01), Sizes(items=600, users=3, actions=3))
    with pytest.raises(ConfigError, match=r"memory = 0\.01"):
        EASE(EASE.Config(memory=0.01), Sizes(items=700, users=3, actions=3))
