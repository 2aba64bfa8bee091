# SPDX-License-Identifier: Apache-2.0
"""ItemTower: one part for whatever there is of an item, and nothing from what there is not."""

from __future__ import annotations

import pytest
import torch

from penchant.batch import ContentSize, Items, Sizes
from penchant.models.item_tower import ItemTower

D = 8
SIZES = Sizes(
    items=9,
    users=2,
    actions=3,
    item_features={"genre": 5, "year": 0},
    content={"plot": ContentSize.vector(4), "smell": ContentSize.vector(3)},
)


def items(**changes):
    torch.manual_seed(0)
    whole = {
        "ids": torch.tensor([2, 3, 4, 1]),
        "features": {"genre": torch.tensor([2, 3, 0, 1]), "year": torch.tensor([0.5, -1.0, 0.0, 0.0])},
        "content": {
            "plot": (torch.randn(4, 4), torch.tensor([True, True, False, False])),
            "smell": (torch.randn(4, 3), torch.tensor([True, False, True, False])),
        },
    }
    return Items(**whole | changes)


def tower(fusion="sum", sizes=SIZES, **choices):
    torch.manual_seed(1)
    return ItemTower(sizes, D, fusion, **choices)


IDS = torch.randn(4, D, generator=torch.Generator().manual_seed(2))
NAMED = torch.tensor([True, True, True, False])


def test_there_is_a_part_for_each_modality_whatever_its_name():
    assert tower().names == ["id", "attributes", "plot", "smell"]
    assert tower(sizes=Sizes(items=9, users=2, actions=3)).names == ["id"]
    assert tower(use_features=False).names == ["id"]


def test_parts_say_what_is_there():
    found = dict(zip(tower().names, tower().parts(IDS, NAMED, items()), strict=True))
    assert [there.tolist() for _, there in found.values()] == [
        [True, True, True, False],
        # A word that training never saw, and the mean year, tell nothing.
        [True, True, False, False],
        [True, True, False, False],
        [True, False, True, False],
    ]
    assert all(not vectors[~there].any() and vectors[there].any(1).all() for vectors, there in found.values())


def test_as_a_sum_it_adds_up():
    one = tower()
    with torch.no_grad():
        one.anything.fill_(0.25)
    parts = one.parts(IDS, NAMED, items())
    torch.testing.assert_close(one(IDS, NAMED, items()), 0.25 + sum(vectors for vectors, _ in parts))


@pytest.mark.parametrize("fusion", ["sum", "concat", "gated", "attention", "bilinear"])
def test_an_item_of_which_nothing_is_known_is_anything(fusion):
    one = tower(fusion)
    with torch.no_grad():
        one.anything.fill_(0.25)
    found = one(IDS, NAMED, items())
    torch.testing.assert_close(found[3], torch.full((D,), 0.25))
    assert not torch.allclose(found[2], found[3])


@pytest.mark.parametrize("fusion", ["sum", "gated", "attention"])
def test_what_is_absent_is_never_read(fusion):
    clean = items()
    junk = {name: (raw.masked_fill(~there[:, None], 1e9), there) for name, (raw, there) in clean.content.items()}
    one = tower(fusion)
    spoilt = IDS.masked_fill(~NAMED[:, None], -7.0)
    assert torch.equal(one(IDS, NAMED, clean), one(spoilt, NAMED, items(content=junk)))


def test_frozen_vectors_are_learned_from_at_their_pace_and_other_content_as_it_comes():
    sizes = Sizes(
        items=9,
        users=2,
        actions=3,
        content={"plot": ContentSize.vector(4), "words": ContentSize("tokens", (2,), values=5)},
    )
    content = {**items().content, "words": (torch.tensor([[2, 3]] * 4), torch.ones(4, dtype=torch.bool))}
    slow, fast = (tower(sizes=sizes, pace=pace).parts(IDS, NAMED, items(content=content)) for pace in (0.1, 1.0))
    torch.testing.assert_close(slow[1][0], 0.1 * fast[1][0])
    assert torch.equal(slow[2][0], fast[2][0])
