# SPDX-License-Identifier: Apache-2.0
"""A hop along the edges is the product with the normalised matrix, there and back, and so are its gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from penchant.models.graph import Graph, scale

DONE = np.array([[0, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 1]], dtype=np.float32)
"""User 1 did nothing, and nobody did items 0, 1."""


def graph(done=DONE):
    return Graph(sparse.csr_array(done))


def normalised():
    users, items = DONE.sum(1), DONE.sum(0)
    return torch.from_numpy(DONE / np.sqrt(np.maximum(users, 1)[:, None] * np.maximum(items, 1)))


def test_a_hop_is_a_product_with_the_normalised_matrix():
    items, users = torch.randn(5, 4), torch.randn(3, 4)
    torch.testing.assert_close(graph().to_users(items), normalised() @ items)
    torch.testing.assert_close(graph().to_items(users), normalised().T @ users)


@pytest.mark.parametrize(("hop", "rows"), [("to_users", 5), ("to_items", 3)])
def test_gradients(hop, rows):
    start = torch.randn(rows, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(getattr(graph(), hop), (start,))


def test_a_gradient_may_come_in_any_layout():
    start = torch.ones(5, 2, requires_grad=True)
    graph().to_users(start).T.contiguous().T.sum(0).prod().backward()
    assert start.grad.shape == (5, 2)


def test_without_edges_nothing_comes():
    empty = graph(np.zeros((0, 5), dtype=np.float32))
    assert empty.to_users(torch.ones(5, 2)).shape == (0, 2)
    assert empty.to_items(torch.zeros(0, 2)).tolist() == [[0.0, 0.0]] * 5


def test_scale():
    assert scale(np.array([0, 1, 4])).tolist() == [[0.0], [1.0], [0.5]]
