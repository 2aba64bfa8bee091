# SPDX-License-Identifier: Apache-2.0
"""Two hops along the edges are products with the normalised matrix, and so are their gradients."""

from __future__ import annotations

import numpy as np
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


def test_two_hops_are_products_with_the_normalised_matrix():
    items = torch.randn(5, 4)
    made = graph()
    found = made.item_root * made.around(made.item_scale * items)
    torch.testing.assert_close(found, normalised().T @ normalised() @ items)


def test_two_hops_in_half_the_digits_are_nearly_the_same():
    vectors = torch.randn(5, 4)
    found = graph().around(vectors.bfloat16())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), graph().around(vectors), atol=0.02, rtol=0.02)


def test_gradients():
    start = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(graph().around, (start,))


def test_a_gradient_may_come_in_any_layout():
    start = torch.ones(5, 2, requires_grad=True)
    graph().around(start).T.contiguous().T.sum(0).prod().backward()
    assert start.grad.shape == (5, 2)


def test_without_edges_nothing_comes():
    empty = graph(np.zeros((0, 5), dtype=np.float32))
    assert empty.around(torch.ones(5, 2)).tolist() == [[0.0, 0.0]] * 5


def test_scale():
    assert scale(np.array([0, 1, 4])).tolist() == [[0.0], [1.0], [0.5]]
