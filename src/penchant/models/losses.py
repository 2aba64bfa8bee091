# SPDX-License-Identifier: Apache-2.0
"""Losses of what is foretold: over the whole catalogue without holding all its logits, or over a few negatives.

All take what each position says of what comes next, a table of items' vectors, and the rows of the items that
came; where several came, with how much each counts. All give a mean over positions, 0 where there are none.

Shape legend: T positions with a target, N items, D embedding size, C rows of a chunk, M targets of a position, S
negatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from penchant.models.precision import of_products

if TYPE_CHECKING:
    from penchant.models.negatives import Drawn

_CHUNK_CELLS = 2**21
"""Logits held at once: 8 MiB of float32, about what a core's cache serves well."""
_FEW = 64
"""Rows of one's own up to which a product and a sum are faster than a batched matrix product: 3 times for one."""

_LEFT = 1e-6
"""The least part of a sum in float32 that is more than rounding."""


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
        dtype = of_products(hidden_TD)
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
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_hidden, grad_table = ctx.saved_tensors
        scale = grads[0] * ctx.scale
        return grad_hidden * scale, grad_table * scale, None, None


def softmax_cross_entropy(
    hidden: Tensor, table: Tensor, targets: Tensor, shares: Tensor | None = None, *, smoothing: float = 0.0
) -> Tensor:
    """Mean cross-entropy of a softmax over all items.

    Args:
        hidden: [T, D] what each position says of what comes next.
        table: [N, D] vectors of all items.
        targets: [T] int64, the row of the item that came; or [T, M], several of them.
        shares: [T, M] how much each of several targets counts; a row sums to 1.
        smoothing: this share of what is to be foretold is spread over all items alike (label smoothing, Szegedy
            et al., https://arxiv.org/abs/1512.00567).

    Returns:
        A scalar; memory is bounded whatever T times N may be.
    """
    targets_TM, shares_TM = _several(targets, shares, hidden)
    loss: Tensor = _SoftmaxCrossEntropy.apply(hidden, table, targets_TM, shares_TM)  # type: ignore[no-untyped-call]
    if not smoothing:
        return loss
    # Spread labels change only which logit is wanted, and the mean of all logits is that of the mean vector.
    wanted_T = (_scores(hidden, table, targets_TM) * shares_TM).sum(1)
    return loss + smoothing * _mean(wanted_T - (hidden @ table.mean(0)).to(hidden.dtype))


class _LogTotal(torch.autograd.Function):
    """Logarithm of a denominator: of the targets, which are certain, and of negatives, each less its `log_count`.

    One pass of exp serves loss and gradient, and what is made on the way is made in place: two thirds of the time
    of the same out of torch's own pieces.
    """

    @staticmethod
    def forward(ctx: Any, others_TS: Tensor, log_count: Tensor, hits_TS: Tensor, certain_TM: Tensor) -> Tensor:
        weights_TS = (others_TS - log_count).masked_fill_(hits_TS, -torch.inf)
        top_T = torch.maximum(weights_TS.amax(1, keepdim=True), certain_TM.amax(1, keepdim=True))
        weights_TS.sub_(top_T).exp_()
        weights_TM = (certain_TM - top_T).exp_()
        total_T = weights_TS.sum(1, keepdim=True) + weights_TM.sum(1, keepdim=True)
        ctx.save_for_backward(weights_TS, weights_TM, total_T)
        return (total_T.log() + top_T).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, Tensor]:
        weights_TS, weights_TM, total_T = ctx.saved_tensors
        scale_T = grads[0][:, None] / total_T
        return weights_TS * scale_T, None, None, weights_TM * scale_T


def sampled_softmax(
    hidden: Tensor, table: Tensor, targets: Tensor, drawn: Drawn, shares: Tensor | None = None
) -> Tensor:
    """Mean cross-entropy of a softmax whose denominator is estimated from negatives.

    A negative counts for as many items as it stands for: its logit is lessened by the logarithm of how often the
    draw brings it (Bengio and Senecal, 2008). The target takes part with certainty, not by a draw, so its logit
    stays as it is (Khrylchenko et al., https://arxiv.org/abs/2507.09331), and a negative that is the target is
    left out. So the denominator is right in expectation, and loss and gradient tend to those of the full softmax.

    Args:
        hidden: [T, D].
        table: [N, D]; it may be a part of the catalogue that holds targets and negatives.
        targets: [T] or [T, M].
        drawn: negatives, as rows of `table`.
        shares: [T, M]; a target of share 0 is none.
    """
    targets_TM, shares_TM = _several(targets, shares, hidden)
    wanted_TM = _scores(hidden, table, targets_TM)
    others_TS = _scores(hidden, table, drawn.rows)
    hits_TS = drawn.hits(targets_TM, shares_TM > 0)
    certain_TM = wanted_TM.masked_fill(~_once(targets_TM, shares_TM), -torch.inf)
    total_T = _LogTotal.apply(others_TS, drawn.log_count, hits_TS, certain_TM)  # type: ignore[no-untyped-call]
    return _mean(total_T - (wanted_TM * shares_TM).sum(1))


def sampled_softmax_by_owner(
    hidden: Tensor, table: Tensor, targets: Tensor, owners: Tensor, drawn: Drawn
) -> Tensor:
    """`sampled_softmax` where many targets go with one and the same position, and all share their negatives.

    The negatives are scored once for a position, not once for each of its targets. What a target that was drawn
    as a negative adds to the sum is taken out again.

    Args:
        hidden: [B, D].
        table: [N, D].
        targets: [T] rows of `table`.
        owners: [T] int64, the row of `hidden` that is to foretell each of them.
        drawn: [S] negatives, the same for all.
    """
    # What a draw of a row stands for is the same however often it is drawn; rows not drawn are not looked at.
    log_count_N = drawn.log_count.new_zeros(len(table)).index_put((drawn.rows,), drawn.log_count)
    draws_N = drawn.rows.bincount(minlength=len(table))
    vectors = functional.embedding(targets, table)
    wanted_T = (functional.embedding(owners, hidden) * vectors).sum(1)
    others_B = (_scores(hidden, table, drawn.rows) - drawn.log_count).logsumexp(1)
    others_T = others_B[owners]
    own_T = draws_N[targets] * (wanted_T - log_count_N[targets] - others_T).exp()
    # A sum of which the target is nearly all is not known well without it; nor does the loss then need it.
    others_T = others_T + torch.log1p(-own_T.clamp(max=1 - _LEFT))
    return _mean(functional.softplus(others_T - wanted_T))


def gbce(
    hidden: Tensor,
    table: Tensor,
    targets: Tensor,
    drawn: Drawn,
    shares: Tensor | None = None,
    *,
    n_items: int,
    calibration: float,
) -> Tensor:
    """Binary cross-entropy, generalised so that few negatives do not make it overconfident.

    Petrov and Macdonald, "gSASRec", RecSys 2023, https://arxiv.org/abs/2308.07192. With negatives drawn uniformly,
    the target's log-probability counts less the fewer of all items are drawn. Its power, in the paper
    `alpha * (t * (1 - 1 / alpha) + 1 / alpha)`, is `1 - t * (1 - alpha)`.

    Args:
        hidden: [T, D].
        table: [N, D]; it may be a part of the catalogue that holds targets and negatives.
        targets: [T] or [T, M].
        drawn: negatives, as rows of `table`; one that is a target counts for nothing.
        shares: [T, M].
        n_items: how many items the negatives were drawn from.
        calibration: `t` of the paper: 0 for the plain loss, 1 for scores whose sigmoid is a probability.
    """
    targets_TM, shares_TM = _several(targets, shares, hidden)
    count = drawn.rows.shape[-1]
    alpha = min(1.0, count / max(n_items - 1, 1))
    power = 1 - calibration * (1 - alpha)
    wanted_T = (functional.softplus(-_scores(hidden, table, targets_TM)) * shares_TM).sum(1)
    others_TS = functional.softplus(_scores(hidden, table, drawn.rows))
    others_T = others_TS.masked_fill(drawn.hits(targets_TM, shares_TM > 0), 0.0).sum(1)
    return _mean(power * wanted_T + others_T) / (count + 1)


def bpr(hidden: Tensor, table: Tensor, targets: Tensor, drawn: Drawn, shares: Tensor | None = None) -> Tensor:
    """How badly the target beats the negatives, one by one: Rendle et al., "BPR", UAI 2009.

    Args:
        hidden: [T, D].
        table: [N, D]; it may be a part of the catalogue that holds targets and negatives.
        targets: [T] or [T, M].
        drawn: negatives, as rows of `table`; one that is a target counts for nothing.
        shares: [T, M].
    """
    targets_TM, shares_TM = _several(targets, shares, hidden)
    wanted_TM, others_TS = _scores(hidden, table, targets_TM), _scores(hidden, table, drawn.rows)
    counts_TS = ~drawn.hits(targets_TM, shares_TM > 0)
    lost_TMS = functional.softplus(others_TS[:, None] - wanted_TM[:, :, None]) * counts_TS[:, None]
    lost_TM = lost_TMS.sum(2) / counts_TS.sum(1, keepdim=True).clamp(min=1)
    return _mean((lost_TM * shares_TM).sum(1))


def _several(targets: Tensor, shares: Tensor | None, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """([T, M] targets, [T, M] shares) of either form."""
    if shares is None:
        return targets[:, None], hidden.new_ones(1, 1).expand(len(targets), 1)
    return targets, shares


def _scores(hidden_TD: Tensor, table_ND: Tensor, rows: Tensor) -> Tensor:
    """[T, S] of rows [S] for all positions, or of rows [T, S]; under autocast, too, in `hidden_TD`'s precision."""
    # An embedding's backward pass is many times as fast as that of an index.
    vectors = functional.embedding(rows, table_ND)
    if rows.dim() == 1:
        return (hidden_TD @ vectors.T).to(hidden_TD.dtype)
    if rows.shape[1] <= _FEW:
        return (vectors * hidden_TD[:, None]).sum(2)
    return (vectors @ hidden_TD[:, :, None]).squeeze(2).to(hidden_TD.dtype)


def _once(targets_TM: Tensor, shares_TM: Tensor) -> Tensor:
    """[T, M] bool: the targets that count, each item once in its row."""
    earlier_MM = torch.ones(targets_TM.shape[1], targets_TM.shape[1], dtype=torch.bool).tril(-1)
    same_TMM = (targets_TM[:, :, None] == targets_TM[:, None]) & (shares_TM > 0)[:, None]
    return (shares_TM > 0) & ~(same_TMM & earlier_MM).any(2)


def _mean(values_T: Tensor) -> Tensor:
    return values_T.sum() / max(len(values_T), 1)
