# SPDX-License-Identifier: Apache-2.0
"""Losses over the whole catalogue that never hold the whole table of logits.

Shape legend: T positions with a target, N items, D embedding size, C rows of a chunk, M targets of a position.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_CHUNK_CELLS = 2**21
"""Logits held at once: 8 MiB of float32, about what a core's cache serves well."""


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """Cross-entropy and its gradients in one pass over chunks of positions.

    The logits of a chunk are computed, turned into their own gradient in place, and used at once for both
    gradients, so nothing is kept for the backward pass but two arrays of the inputs' sizes.
    """

    @staticmethod
    def forward(ctx: Any, hidden_TD: Tensor, table_ND: Tensor, targets_TM: Tensor, shares_TM: Tensor) -> Tensor:
        n_positions, n_items = len(hidden_TD), len(table_ND)
        grad_hidden = torch.empty_like(hidden_TD)
        grad_table = torch.zeros_like(table_ND)
        loss = hidden_TD.new_zeros(())
        step = max(1, _CHUNK_CELLS // n_items)
        # Under autocast the products are taken in its type; the softmax between them stays in float32.
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else hidden_TD.dtype
        hidden, table = hidden_TD.to(dtype), table_ND.to(dtype)
        buffer = hidden.new_empty(min(step, n_positions), n_items)
        for start in range(0, n_positions, step):
            hidden_CD = hidden[start : start + step]
            targets_CM, shares_CM = targets_TM[start : start + step], shares_TM[start : start + step]
            logits_CN = torch.mm(hidden_CD, table.T, out=buffer[: len(hidden_CD)]).to(hidden_TD.dtype)
            wanted_C = (logits_CN.gather(1, targets_CM) * shares_CM).sum(1, keepdim=True)
            # Subtracting the maximum keeps exp in range; one pass of exp serves loss and gradient.
            top_C = logits_CN.amax(1, keepdim=True)
            weights_CN = logits_CN.sub_(top_C).exp_()
            total_C = weights_CN.sum(1, keepdim=True)
            loss += (total_C.log() + top_C - wanted_C).sum()
            weights_CN.div_(total_C)
            weights_CN.scatter_add_(1, targets_CM, -shares_CM)
            weights = weights_CN.to(dtype)
            if dtype == hidden_TD.dtype:
                torch.mm(weights, table, out=grad_hidden[start : start + step])
                grad_table.addmm_(weights.T, hidden_CD)
            else:
                grad_hidden[start : start + step] = weights @ table
                grad_table += weights.T @ hidden_CD
        ctx.save_for_backward(grad_hidden, grad_table)
        ctx.scale = 1.0 / max(n_positions, 1)
        mean: Tensor = loss * ctx.scale
        return mean

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_hidden, grad_table = ctx.saved_tensors
        scale = grads[0] * ctx.scale
        return grad_hidden * scale, grad_table * scale, None, None


def softmax_cross_entropy(hidden: Tensor, table: Tensor, targets: Tensor, shares: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of a softmax over all items.

    Args:
        hidden: [T, D] what each position says of what comes next.
        table: [N, D] vectors of all items.
        targets: [T] int64, the row of the item that came; or [T, M], several of them.
        shares: [T, M] how much each of several targets counts; a row sums to 1.

    Returns:
        A scalar; memory is bounded whatever T times N may be.
    """
    if shares is None:
        targets = targets[:, None]
        shares = hidden.new_ones(1, 1).expand(len(targets), 1)
    return _SoftmaxCrossEntropy.apply(hidden, table, targets, shares)  # type: ignore[no-any-return, no-untyped-call]
