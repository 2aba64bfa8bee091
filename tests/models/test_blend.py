# SPDX-License-Identifier: Apache-2.0
"""Several models with one voice."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
import torch

import worlds
from penchant.config import RunConfig
from penchant.errors import ConfigError
from penchant.models.sasrec import SASRec
from penchant.recommend.pipeline import Pipeline
from penchant.train.fit import fit, make

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.models.blend import Blend

SMALL = worlds.SMALL["sasrec"] | {"dropout": 0.0}
SOME = [100, 101, 102, 999_999]


@cache
def world() -> worlds.World:
    return worlds.train("item_knn", worlds.checkerboard())


def learned(members: list[dict], seed: int = 0) -> Blend:
    one = world()
    made = make("blend", {"members": members}, one.space.sizes, seed)
    known = one.space.catalogue(one.dataset.items[: worlds.ITEMS])
    people = one.dataset.events["user_id"].unique().sort()
    users = one.space.training_users(people, one.dataset.events, known, one.dataset.users)
    fit(made, users, worlds.replace_struct(worlds.QUICK, epochs=2))
    return made.eval()


@cache
def pair() -> Blend:
    return learned([{"kind": "sasrec", **SMALL}, {"kind": "item_knn", "weight": 0.5}])


def scores(model: object) -> torch.Tensor:
    one = world()
    return Pipeline(model, one.space, one.pipeline.catalogue).score(one.users(SOME)).clone()


def standardised(values: torch.Tensor) -> torch.Tensor:
    return (values - values.mean(1, keepdim=True)) / values.std(1, correction=0, keepdim=True).clamp(min=1e-9)


def test_the_score_is_the_weighted_sum_of_standardised_scores():
    blend = pair()
    sequence, neighbours = (scores(member) for member in blend._members.values())
    wanted = standardised(sequence) + 0.5 * standardised(neighbours)
    torch.testing.assert_close(scores(blend), wanted)
    # Of a stranger the neighbours know nothing: they do not speak.
    assert not standardised(neighbours)[-1].any()


def test_each_member_learns_as_it_would_alone():
    alone = learned([{"kind": "sasrec", **SMALL}])
    twins = learned([{"kind": "sasrec", **SMALL}, {"kind": "ease", "weight": 0.1}])
    first = [next(iter(model._members.values())) for model in (alone, twins)]
    torch.testing.assert_close(scores(first[0]), scores(first[1]))
    assert torch.equal(scores(alone).argsort(1), scores(first[0]).argsort(1))


def test_a_part_of_the_catalogue_is_scored_as_in_the_whole():
    one, blend = world(), pair()
    rows = torch.tensor([7, 3, 30])
    users = one.users(SOME)
    part = blend.score(users, one.pipeline.catalogue.items.take(rows))
    torch.testing.assert_close(part.detach(), scores(blend)[:, rows])


def test_items_are_encoded_once_until_the_weights_change(monkeypatch):
    blend, calls = pair(), []
    encode = SASRec.encode_item

    def counted(self, items):
        calls.append(len(items))
        return encode(self, items)

    monkeypatch.setattr(SASRec, "encode_item", counted)
    whole = len(world().pipeline.catalogue.items)
    for _ in range(2):
        calls.clear()
        blend.load_state({name: tensor.clone() for name, tensor in blend.state().items()})
        scores(blend)
        scores(blend)
        assert calls.count(whole) == 1


def test_state_of_another_blend_is_refused():
    blend, state = pair(), pair().state()
    assert {name.split(".")[0] for name in state} == {"learned", "solved"}
    with pytest.raises(ValueError, match=r"no member of the blend: stray"):
        blend.load_state({**state, "stray": torch.zeros(1)})
    with pytest.raises(RuntimeError, match="Missing key"):
        blend.load_state({name: tensor for name, tensor in state.items() if "positions" not in name})


def test_the_first_member_that_knows_what_is_alike_speaks_of_it():
    one = world()
    items = one.pipeline.catalogue.items
    blend = learned([{"kind": "popularity"}, {"kind": "item_knn"}, {"kind": "sasrec", **SMALL}])
    knn = blend._solved["item_knn_2"]
    assert torch.equal(blend.affinity(items, items), knn.affinity(items, items))
    silent = make("blend", {"members": [{"kind": "sasrec"}]}, one.space.sizes)
    silent._weights = {}
    assert silent.affinity(items, items) is None


def test_how_much_of_a_history_is_looked_at():
    sizes = world().space.sizes

    def lengths(*members: dict) -> tuple[int | None, int | None]:
        made = make("blend", {"members": list(members)}, sizes)
        return made.history_length, made.training_length

    short, long = ({"kind": "sasrec", "history_length": n} for n in (5, 9))
    assert lengths(short) == (5, 6)
    assert lengths(short, long) == (9, 10)
    assert lengths(short, {"kind": "item_knn"}) == (None, 6)
    assert lengths(short, {"kind": "lightgcn"}) == (None, None)


def test_it_recommends_new_items_if_a_member_can():
    sizes = world().space.sizes
    assert not make("blend", {}, sizes).cold_items
    assert make("blend", {"members": [{"kind": "sasrec"}, {"kind": "content_knn"}]}, sizes).cold_items


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ('[{ kind = "ease" }]', "one member at least must learn by steps"),
        ("[]", "one member at least must learn by steps"),
        ('[{ kind = "sasrek" }]', r"number 1: There is no model 'sasrek'.*sasrec"),
        ('[{ kind = "sasrec", drop = 1 }]', r"number 1, kind 'sasrec': unknown key 'drop'.*crop"),
        ('[{ kind = "sasrec" }, { kind = "ease", weight = 0 }]', r"number 2: weight: .*> 0"),
        ("[{ weight = 1 }]", "number 1: .*kind"),
    ],
)
def test_a_wrong_member_is_told_with_its_file(members, message, tmp_path: Path):
    data = '[data]\nname = "x"\nevents = { path = "e.csv", user_id = "u", item_id = "i" }\n'
    text = f'{data}[model]\nkind = "blend"\nmembers = {members}\n'
    with pytest.raises(ConfigError, match=message) as caught:
        RunConfig.parse(text, tmp_path / "run.toml")
    assert str(tmp_path / "run.toml") in str(caught.value)
