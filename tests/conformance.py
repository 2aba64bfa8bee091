# SPDX-License-Identifier: Apache-2.0
"""What every model of the table must do. `test_conformance.py` runs it over the whole table.

A model is given the checkerboard of `worlds`, with every kind of column, and is asked through the pipeline.
Lists are compared as item -> score, so that the free order of equal scores does not count.
"""

from __future__ import annotations

from functools import cache

import polars as pl
import pytest
import torch

import worlds
from penchant.batch import Users
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.models.recommender import Learned, Solved
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, TIME, TYPE, USER, IdType
from penchant.train.fit import make

NOT_PERSONAL = {"popularity"}
"""Models that give everyone the same list, less what they have seen."""

SOME = [100, 101, 102, 117, 159]
LAST = worlds.START + 10**6 * worlds.MINUTE


@cache
def board() -> worlds.Dataset:
    return worlds.checkerboard()


@cache
def world(kind: str) -> worlds.World:
    """The model fitted once; no check may change it."""
    return worlds.train(kind, board())


def same(given: list[dict], wanted: list[dict], tolerance: float = 1e-5) -> None:
    """Assert that every list holds the same items with the same scores, in an order that the scores allow."""
    assert len(given) == len(wanted)
    for a, b in zip(given, wanted, strict=True):
        assert a.keys() == b.keys()
        reach = max(map(abs, b.values()), default=1.0)
        assert list(a.values()) == pytest.approx(list(b.values()), rel=tolerance, abs=tolerance * reach)
        assert [a[item] for item in b] == pytest.approx(list(b.values()), rel=tolerance, abs=tolerance * reach)


@cache
def skewed(kind: str) -> worlds.World:
    """The model fitted where each third of the items is taken up four times as often as the third before it."""
    data = board()
    chance = pl.Series([((user * 7 + item * 3) % 16) < 4 ** ((item - 500) // 12) for user, item in pairs(data)])
    return worlds.train(kind, worlds.dataset(data.events.filter(chance), data.items, data.users))


def pairs(data: worlds.Dataset) -> list[tuple[int, int]]:
    return data.events.select(USER, ITEM).rows()


def popularity(one: worlds.World) -> torch.Tensor:
    """[N]: how much is known of each item of the catalogue."""
    return one.space.popularity[one.pipeline.catalogue.items.ids]


def clicks(user: int, *items: int) -> pl.DataFrame:
    return worlds.table(*((user, item, LAST + n, "view", 4.0) for n, item in enumerate(items)))


class ModelConformance:
    """Inherit with a parametrised `kind`."""

    # What is kept

    def test_state_into_a_fresh_model_gives_equal_scores(self, kind):
        one = world(kind)
        fresh = make(kind, worlds.SMALL.get(kind, {}), one.space.sizes, seed=99)
        fresh.load_state({name: tensor.clone() for name, tensor in one.model.state().items()})
        users = one.everyone()
        again = Pipeline(fresh, one.space, one.pipeline.catalogue)
        assert torch.equal(again.score(users), one.pipeline.score(users))

    def test_state_is_tensors_under_names(self, kind):
        state = world(kind).model.state()
        assert state
        assert all(isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items())
        assert not any(tensor.requires_grad for tensor in state.values())

    def test_through_a_bundle(self, kind, tmp_path):
        one = world(kind)
        write_bundle(
            tmp_path,
            one.pipeline,
            name="board",
            kind=kind,
            users=one.dataset.users,
            events=one.dataset.events,
        )
        opened = open_bundle(tmp_path)
        again = worlds.with_pipeline(one, opened.pipeline)
        assert torch.equal(again.pipeline.score(again.everyone()), one.pipeline.score(one.everyone()))
        assert again.lists(again.everyone()) == one.lists(one.everyone())

    # Chance and order

    def test_same_seed_same_scores_other_seed_other_scores(self, kind):
        first = world(kind).pipeline.score(world(kind).everyone())
        again = worlds.train(kind, board())
        assert torch.equal(again.pipeline.score(again.everyone()), first)
        if isinstance(again.model, Learned):
            other = worlds.train(kind, board(), seed=1)
            assert not torch.equal(other.pipeline.score(other.everyone()), first)

    def test_order_of_items_does_not_matter(self, kind):
        one = world(kind)
        catalogue = one.space.catalogue(board().items.sample(fraction=1, shuffle=True, seed=1))
        shuffled = worlds.with_pipeline(one, Pipeline(one.model, one.space, catalogue))
        same(shuffled.lists(shuffled.users(SOME)), one.lists(one.users(SOME)))

    def test_order_of_users_does_not_matter(self, kind):
        one = world(kind)
        same(one.lists(one.users(SOME[::-1])), one.lists(one.users(SOME))[::-1])
        same([one.lists(one.users([user]))[0] for user in SOME], one.lists(one.users(SOME)))

    def test_order_in_which_a_solved_model_meets_users_and_items_does_not_matter(self, kind):
        one = world(kind)
        if not isinstance(one.model, Solved):
            pytest.skip("a learned model deals its users anew in each epoch")
        order = board().events[USER].unique().sort().sample(fraction=1, shuffle=True, seed=1)
        other = worlds.train(kind, board(), order=order, items=board().items.reverse())
        same(other.lists(other.users(SOME)), one.lists(one.users(SOME)))

    def test_other_names_for_users_and_items_give_the_same_answers(self, kind):
        data = board()

        def rename(frame):
            ids = [pl.col(name).cast(pl.String).str.zfill(9) for name in (USER, ITEM) if name in frame.columns]
            return frame.with_columns(ids)

        other = worlds.train(
            kind,
            worlds.dataset(
                rename(data.events),
                rename(data.items),
                rename(data.users),
                user_id=IdType.STRING,
                item_id=IdType.STRING,
            ),
        )
        renamed = other.lists(other.users([str(user).zfill(9) for user in SOME]))
        plain = world(kind).lists(world(kind).users(SOME))
        same([{int(item): score for item, score in found.items()} for found in renamed], plain)

    # Who is asked about

    @pytest.mark.parametrize("index", [0, 1])
    def test_a_user_whom_training_never_saw(self, kind, index):
        one = world(kind)
        past = one.users([102])
        users = Users(
            ids=torch.tensor([index]), history=past.history, catalogue=past.catalogue, features=past.features
        )
        assert torch.isfinite(one.pipeline.score(users)).all()
        assert len(one.lists(users)[0]) == worlds.ITEMS - worlds.EACH + one.model.cold_items * worlds.COLD

    def test_an_empty_history(self, kind):
        one = world(kind)
        users = one.users([999_999])
        assert torch.isfinite(one.pipeline.score(users)).all()
        assert len(one.lists(users, k=10)[0]) == 10

    def test_nobody_asked(self, kind):
        one = world(kind)
        assert one.pipeline.score(one.users([])).shape == (0, worlds.ITEMS + worlds.COLD)
        assert one.lists(one.users([])) == []

    def test_a_user_who_has_seen_everything_gets_an_empty_list(self, kind):
        one = world(kind)
        assert one.lists(one.users([100], clicks(100, *board().items[ITEM]))) == [{}]

    def test_asking_changes_nothing(self, kind):
        one = world(kind)
        before = {name: tensor.clone() for name, tensor in one.model.state().items()}
        first = one.lists(one.users(SOME))
        assert one.lists(one.users(SOME)) == first
        after = one.model.state()
        assert all(torch.equal(before[name], after[name]) for name in before)

    # Live

    def test_a_click_changes_the_answer(self, kind):
        one = world(kind)
        target = next(iter(one.lists(one.users([100]))[0]))
        before = one.users([100])
        after = one.users([100], pl.concat([board().events, clicks(100, target)]))
        assert target not in one.lists(after)[0]
        changed = not torch.equal(one.pipeline.score(before).clone(), one.pipeline.score(after))
        assert changed == (kind not in NOT_PERSONAL)

    def test_the_first_clicks_of_a_stranger_matter(self, kind):
        one = world(kind)
        nobody = list(one.lists(one.users([999]), k=10)[0])
        group = [500, 503, 506]
        somebody = list(one.lists(one.users([999], clicks(999, *group)), k=10)[0])
        assert somebody != nobody
        if kind not in NOT_PERSONAL:
            # Three clicks on items of the first group: the rest of it comes first.
            assert sum(item % 3 == 500 % 3 for item in somebody[:9]) >= 8

    # The list

    def test_the_list_is_the_sorted_score_without_what_was_seen(self, kind):
        one = world(kind)
        users = one.users(SOME)
        catalogue = one.pipeline.catalogue
        scores = one.model.score(users, catalogue.items).detach()
        for position, user in enumerate(SOME):
            seen = set(board().events.filter(pl.col(USER) == user)[ITEM])
            hidden = set() if one.model.cold_items else set(board().items[ITEM][-worlds.COLD :])
            pairs = zip(catalogue.ids.to_list(), scores[position].tolist(), strict=True)
            offline = {item: score for item, score in pairs if item not in seen | hidden}
            wanted = dict(sorted(offline.items(), key=lambda pair: -pair[1]))
            same(one.lists(users)[position : position + 1], [wanted], tolerance=1e-6)

    def test_of_equal_scores_the_more_popular_comes_first_then_the_lower_row(self, kind):
        one = world(kind)
        ranked = one.pipeline.recommend(one.users([*SOME, 999]), worlds.ITEMS)
        rows, scores = ranked.rows, ranked.scores
        worth = popularity(one)[rows]
        tied = (scores[:, 1:] == scores[:, :-1]) & (rows[:, 1:] >= 0)
        level = worth[:, 1:] == worth[:, :-1]
        assert (worth[:, 1:] <= worth[:, :-1])[tied].all()
        assert (rows[:, 1:] > rows[:, :-1])[tied & level].all()

    def test_a_stranger_of_whom_nothing_is_known_gets_what_is_popular_not_the_first_items(self, kind):
        one = skewed(kind)
        shown = one.pipeline.recommend(one.users([999_999]), 5).rows[0]
        counts = popularity(one)
        assert counts[shown].mean() > 2 * counts[: worlds.ITEMS].mean()

    def test_items_that_training_never_saw_are_given_only_by_models_that_know_them(self, kind):
        one = world(kind)
        cold = set(board().items[ITEM][-worlds.COLD :])
        assert (cold <= one.lists(one.users([999]))[0].keys()) == one.model.cold_items

    def test_tastes_of_a_checkerboard_are_learned(self, kind):
        one = world(kind)
        left = worlds.ITEMS // worlds.GROUPS - worlds.EACH
        ranked = one.pipeline.recommend(one.everyone(), left).rows
        groups = torch.arange(worlds.USERS)[:, None] % worlds.GROUPS
        share = float((ranked % worlds.GROUPS == groups).float().mean())
        assert (share > 0.95) == (kind not in NOT_PERSONAL)

    # What is missing

    def test_missing_columns_break_nothing(self, kind):
        one = world(kind)
        bare = Pipeline(one.model, one.space, one.space.catalogue(board().items.select(ITEM)))
        nobody = board().users.select(USER)
        users = one.space.users(pl.Series(USER, SOME), board().events, bare.catalogue, nobody)
        assert torch.isfinite(bare.score(users)).all()
        assert (bare.recommend(users, 10).rows >= 0).all()

    def test_an_event_of_an_unknown_type_or_without_value_breaks_nothing(self, kind):
        one = world(kind)
        odd = worlds.table((100, 500, LAST, "never heard of"), (100, 503, LAST + 1, None), (100, 1, LAST))
        users = one.users([100], odd)
        assert users.history.lengths.tolist() == [2]
        assert torch.isfinite(one.pipeline.score(users)).all()

    def test_trained_where_the_tables_lack_columns(self, kind):
        data = board()
        bare = worlds.dataset(
            data.events.with_columns(pl.lit("view").alias(TYPE), pl.lit(0, pl.Int64).alias(TIME)),
            data.items.select(ITEM),
            data.users.select(USER).clear(),
            items={},
            users={},
            has_time=False,
        )
        one = worlds.train(kind, bare, config=worlds.replace_struct(worlds.QUICK, epochs=2))
        assert torch.isfinite(one.pipeline.score(one.everyone())).all()

    # Relations between items

    def test_similar_items_and_reasons(self, kind):
        one = world(kind)
        near = one.pipeline.similar(0, 8)
        seen = one.users([100]).history.rows
        rows = one.pipeline.recommend(one.users([100]), 5).rows[0]
        reasons = one.pipeline.reasons(seen, rows)
        if kind in NOT_PERSONAL:
            assert near.rows.shape == (1, 0)
            assert reasons.tolist() == [-1] * 5
        else:
            assert 0 not in near.rows[0].tolist()
            assert (near.rows[0] % worlds.GROUPS == 0).float().mean() > 0.8
            assert set(reasons.tolist()) <= {-1, *seen.tolist()}
            assert (reasons >= 0).all()
