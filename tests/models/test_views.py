# SPDX-License-Identifier: Apache-2.0
"""Views in which something is missing: how much, what, and what stays as it is."""

from __future__ import annotations

import pytest
import torch

from penchant.batch import Items
from penchant.models.views import drop_columns, incomplete, mask_parts, mask_tags, nameless

N = 4000


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def features():
    return {
        "year": torch.ones(N),
        "genre": torch.full((N,), 7),
        "tags": torch.full((N, 5), 3),
    }


def items():
    content = {
        "plot": (torch.ones(N, 8), torch.arange(N) % 2 == 0),
        "words": (torch.full((N, 6), 9, dtype=torch.int32), torch.ones(N, dtype=torch.bool)),
        "poster": (torch.full((N, 3, 2, 2), 200, dtype=torch.uint8), torch.ones(N, dtype=torch.bool)),
    }
    return Items(ids=torch.arange(N), features=features(), content=content)


def gone(values):
    return float((values == 0).float().mean())


def test_a_dropped_column_is_missing_as_a_whole_and_by_itself():
    found = drop_columns(features(), 0.3)
    for values in found.values():
        assert gone(values) == pytest.approx(0.3, abs=0.03)
    empty = found["tags"] == 0
    assert torch.equal(empty.all(1), empty.any(1))
    both = (found["year"] == 0) & (found["genre"] == 0)
    assert float(both.float().mean()) == pytest.approx(0.09, abs=0.03)


def test_single_tags_are_masked_and_nothing_else():
    found = mask_tags(features(), 0.4)
    assert gone(found["tags"]) == pytest.approx(0.4, abs=0.03)
    assert 0 < float((found["tags"] == 0).all(1).float().mean()) < 0.05
    assert not gone(found["year"])
    assert not gone(found["genre"])


def test_a_masked_vector_has_the_mean_of_a_whole_one_and_bytes_stay():
    vectors = mask_parts(torch.ones(N, 8), 0.25)
    assert sorted(set(vectors.flatten().tolist())) == pytest.approx([0, 4 / 3])
    assert float(vectors.mean()) == pytest.approx(1, abs=0.03)
    tokens = mask_parts(torch.full((N, 6), 9, dtype=torch.int32), 0.25)
    assert tokens.dtype == torch.int32
    assert set(tokens.flatten().tolist()) == {0, 9}
    pixels = torch.full((N, 4), 200, dtype=torch.uint8)
    assert mask_parts(pixels, 0.25) is pixels


def test_an_incomplete_item_lacks_columns_modalities_and_parts():
    whole = items()
    found = incomplete(whole, 0.5, 0.2)
    assert torch.equal(found.ids, whole.ids)
    assert gone(found.features["genre"]) == pytest.approx(0.5, abs=0.03)
    assert gone(found.features["tags"]) == pytest.approx(1 - 0.5 * 0.8, abs=0.03)
    raw, present = found.content["plot"]
    assert gone(raw) == pytest.approx(0.2, abs=0.03)
    assert float(present.float().mean()) == pytest.approx(0.25, abs=0.03)
    # What was not there is not there now.
    assert not (present & ~whole.content["plot"][1]).any()


def test_nothing_is_missing_where_nothing_shall_be():
    whole = items()
    found = incomplete(whole, 0.0, 0.0)
    assert all(torch.equal(found.features[name], value) for name, value in whole.features.items())
    for name, (raw, present) in whole.content.items():
        assert torch.equal(found.content[name][0], raw)
        assert torch.equal(found.content[name][1], present)


def test_the_items_themselves_do_not_change():
    whole, again = items(), items()
    incomplete(whole, 0.5, 0.5)
    assert all(torch.equal(whole.features[name], value) for name, value in again.features.items())
    assert all(torch.equal(whole.content[name][0], raw) for name, (raw, _) in again.content.items())


def test_a_nameless_item_is_as_one_that_training_never_saw():
    items = Items(ids=torch.arange(2, 1002), features={"genre": torch.arange(1000)})
    torch.manual_seed(0)
    some = nameless(items, 0.3)
    gone = some.ids == 1
    assert 0.25 < gone.float().mean() < 0.35
    assert torch.equal(some.ids[~gone], items.ids[~gone])
    assert torch.equal(some.features["genre"], items.features["genre"])
    assert torch.equal(nameless(items, 0.0).ids, items.ids)
    assert (nameless(items, 1.0).ids == 1).all()
