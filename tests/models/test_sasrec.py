# SPDX-License-Identifier: Apache-2.0
"""SASRec: its blocks, and the names under which bundles keep them."""

from __future__ import annotations

from penchant.batch import Sizes
from penchant.models.layers import CausalBlock
from penchant.models.sasrec import SASRec

_BLOCK = ("norm_attention", "inward", "outward", "norm_forward", "expand", "contract")


def network(**choices):
    return SASRec(SASRec.Config(**choices), Sizes(items=9, users=5, actions=3))


def test_the_names_of_its_tensors_stay_as_old_bundles_have_them():
    tables = [f"{name}.weight" for name in ("ids", "positions", "actions", "gaps", "values")]
    relative = [f"relative.{n}.{name}.weight" for n in (0, 1) for name in ("places", "gaps")]
    linear = [*(f"blocks.{n}.{name}" for n in (0, 1) for name in _BLOCK), "norm"]
    wanted = ["start", *tables, *relative, *(f"{name}.{part}" for name in linear for part in ("weight", "bias"))]
    assert sorted(network(blocks=2, use_relative=True).state()) == sorted(wanted)


def test_its_blocks_are_as_chosen():
    blocks = network(embedding_size=12, heads=3, blocks=2, inner_size=20, dropout=0.1).blocks
    assert all(isinstance(block, CausalBlock) for block in blocks)
    assert [(block.heads, block.expand.out_features, block.dropout.rate) for block in blocks] == [(3, 20, 0.1)] * 2
