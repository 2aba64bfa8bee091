# SPDX-License-Identifier: Apache-2.0
"""Who is asked and what is hidden, on a log small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

import worlds
from penchant.data.dataset import Dataset
from penchant.data.splits import SplitConfig, split
from penchant.errors import ConfigError, DataError
from penchant.evaluate import answers, beyond, identity, protocol, summary
from penchant.evaluate.protocol import Cut, EvaluateConfig, Question, evaluate
from penchant.evaluate.summary import Entry
from penchant.features.space import FeatureSpace
from penchant.models.recommender import ModelConfig, Recommender
from penchant.recommend.pipeline import Pipeline
from penchant.registry import read_config
from penchant.schema import EVENT_COLUMNS, ITEM, USER, EventType, IdType, Meaning, Schema

SCHEMA = Schema(user_id=IdType.STRING, item_id=IdType.STRING)


def events(*pairs, start=0):
    """Events "user item", one a microsecond."""
    rows = [(*pair.split(), start + n, "event", None) for n, pair in enumerate(pairs)]
    kinds = (pl.String, pl.String, pl.Int64, pl.String, pl.Float64)
    return pl.DataFrame(rows, schema=dict(zip(EVENT_COLUMNS, kinds, strict=True)), orient="row")


KNOWN = events("ann a", "bob a", "ann b", "cy a", "bob c", "cy b", "ann a", "cy d")
HIDDEN = events("ann c", "ann c", "bob c", "cy e", "dee a", "ann d", "eve e", start=100)


class Alphabet(Recommender):
    """Likes items in the order of the catalogue; keeps how many users it was asked about at once."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices: whether to prefer the last item."""

        backwards: bool = False

    cold_items = True

    def __init__(self, config, sizes):
        super().__init__(config, sizes)
        self.asked = []

    def score(self, users, items):
        self.asked.append(len(users))
        order = torch.arange(len(items), dtype=torch.float32)
        return (order if self.config.backwards else -order).expand(len(users), -1)

    def affinity(self, given, wanted):  # noqa: ARG002
        return None

    def state(self):
        return {}

    def load_state(self, state):
        pass


def world(known=KNOWN, catalogue="abcde", *, backwards=False, schema=SCHEMA):
    items = pl.DataFrame({ITEM: list(catalogue)})
    users = pl.DataFrame({USER: ["ann", "bob"]})
    dataset = Dataset(name="tiny", schema=schema, events=known, items=items, users=users)
    space = FeatureSpace.fit(dataset, known)
    return Pipeline(
        Alphabet(Alphabet.Config(backwards=backwards), space.sizes), space, space.catalogue(items)
    ), users


def ask(known=KNOWN, hidden=HIDDEN, catalogue="abcde", *, backwards=False, **choices):
    pipeline, users = world(known, catalogue, backwards=backwards)
    return evaluate(pipeline, Cut(known, known, hidden), users, config=EvaluateConfig(**choices))


def to_find(question):
    rows = np.split(question.relevant.rows, question.relevant.offsets[1:-1])
    return dict(zip(question.ids.to_list(), (part.tolist() for part in rows), strict=True))


def test_each_user_with_something_new_to_find_is_asked_once():
    # bob's c was his already, and nobody had e before.
    question = ask().question
    assert to_find(question) == {"ann": [2, 3], "dee": [0]}
    assert question.n_silent == 3
    assert question.n_known == 8
    assert question.users.history.lengths.tolist() == [3, 0]
    assert question.users.catalogue.ids[question.users.history.rows].tolist() == [2, 3, 2]


def test_every_known_item_competes_and_seen_ones_are_left_out():
    found = ask(ks=(2, 4))
    assert found.question.candidates.tolist() == [0, 1, 2, 3]
    assert found.question.popularity.tolist() == [4, 2, 1, 1, 0]
    assert found.ranked.tolist() == [[2, 3, -1, -1], [0, 1, 2, 3]]
    assert found.per_user["recall@2"].tolist() == [1.0, 1.0]
    assert found.overall == {"coverage@2": 1.0, "coverage@4": 1.0}


def test_means_are_over_the_users_who_were_asked():
    means = ask(ks=(1,), backwards=True).means()
    assert means["recall@1"] == pytest.approx((1 / 2 + 0) / 2)
    assert means["mrr@1"] == 0.5
    assert means["coverage@1"] == 1 / 4, "both were shown d"
    assert set(means) == {f"{m}@1" for m in ("ndcg", "recall", "mrr", "map", "hit_rate", "precision", "coverage")}


def test_cold_items_compete_and_are_found_when_asked_for():
    found = ask(cold_items=True, backwards=True, ks=(1,))
    assert to_find(found.question) == {"ann": [2, 3], "cy": [4], "dee": [0], "eve": [4]}
    assert found.ranked.tolist() == [[4]] * 4
    assert found.per_user["hit_rate@1"].tolist() == [0, 1, 0, 1]


def test_repeats_count_when_asked_for():
    found = ask(repeats=True, ks=(3,))
    assert to_find(found.question) == {"ann": [2, 3], "bob": [2], "dee": [0]}
    assert found.ranked.tolist() == [[0, 1, 2]] * 3


def test_an_item_that_the_catalogue_lacks_is_a_miss_and_not_forgotten():
    found = ask(catalogue="abc", ks=(3,))
    assert to_find(found.question)["ann"][0] == 2
    assert to_find(found.question)["ann"][1] > 2
    assert found.per_user["recall@3"].tolist() == [0.5, 1.0]


def test_the_order_of_hidden_events_does_not_matter():
    a, b = ask(), ask(hidden=HIDDEN.reverse())
    assert a.question.ids.equals(b.question.ids)
    assert all((a.per_user[key] == b.per_user[key]).all() for key in a.per_user)


@pytest.mark.parametrize(
    ("limit", "value", "chunks"), [("USERS", 2, [2, 2]), ("CELLS", 15, [3, 1]), ("CELLS", 1, [1] * 4)]
)
def test_users_in_chunks_get_the_same_answers(monkeypatch, limit, value, chunks):
    whole = ask(cold_items=True)
    pipeline, users = world()
    question = Question.prepare(
        pipeline.space,
        pipeline.catalogue,
        Cut(KNOWN, KNOWN, HIDDEN),
        users,
        config=EvaluateConfig(cold_items=True),
    )
    monkeypatch.setattr(protocol, limit, value)
    found = question.ask(pipeline)
    assert pipeline.model.asked == chunks
    assert (found.ranked == whole.ranked).all()


def test_ks_are_sorted_and_lists_never_longer_than_the_catalogue():
    found = ask(ks=(9, 2, 2))
    assert found.question.ks == (2, 9)
    assert found.ranked.shape == (2, 5)


def test_nothing_to_find_is_said_with_the_way_out():
    with pytest.raises(DataError, match=r"none of 1 hidden events .* set cold_items or repeats in \[evaluate\]"):
        ask(hidden=events("bob c"))
    with pytest.raises(DataError, match="none of 0 hidden events"):
        ask(hidden=events())


def test_a_catalogue_without_any_known_item_is_said():
    with pytest.raises(DataError, match="the catalogue holds no item of the known events"):
        ask(catalogue="xyz")


def test_a_pipeline_over_another_catalogue_is_refused():
    question = ask().question
    with pytest.raises(ValueError, match="another catalogue"):
        question.ask(world(catalogue="abced")[0])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"ks": [0]}, ">= 1"),
        ({"ks": [-1]}, ">= 1"),
        ({"ks": [10**9]}, "<= 10000"),
        ({"ks": []}, "length >= 1"),
        ({"bootstrap": 0}, ">= 1"),
        ({"level": 1.0}, "< 1"),
        ({"k": [10]}, "unknown key 'k'.*'ks'"),
    ],
)
def test_the_evaluate_table_is_read_strictly(table, message):
    with pytest.raises(ConfigError, match=message):
        read_config(EvaluateConfig, table, "run.toml [evaluate]")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (
            {},
            [
                "2 users",
                "3 items in all",
                "3 more users had nothing left",
                "known at the cut competes",
                "are left out",
            ],
        ),
        ({"cold_items": True}, ["whole catalogue competes", "also items that nobody had before"]),
        ({"repeats": True}, ["may be recommended and count"]),
    ],
)
def test_the_protocol_says_in_words_what_was_done(choices, words):
    text = ask(**choices).question.describe()
    assert all(word in text for word in words), text


def test_no_silent_users_are_not_mentioned():
    assert "nothing left" not in ask(hidden=events("ann c")).question.describe()


def entry(**choices):
    return Entry(kind="alphabet", evaluation=ask(bootstrap=50, **choices), timings={"fit": 0.5})


def test_report_carries_everything():
    found = summary.report(
        "run", "Cut at noon.", {"good": entry(ks=(1, 10)), "bad": entry(ks=(1, 10), backwards=True)}
    )
    assert (found.run, found.users, found.items, found.events, found.ks) == ("run", 2, 4, 8, (1, 10))
    assert found.protocol.startswith("Cut at noon.\nEach of 2 users")
    good, bad = found.results
    assert (good.model, good.kind, good.timings) == ("good", "alphabet", {"fit": 0.5})
    assert good.measures["recall@10"].mean == 1.0
    assert good.measures["coverage@10"].low is None
    ndcg = bad.measures["ndcg@10"]
    assert ndcg.low <= ndcg.mean <= ndcg.high
    assert [(s.by, s.name, s.users) for s in good.segments][:3] == [
        ("history", "none", 1),
        ("history", "1 to 5", 1),
        ("popularity", "head", 1),
    ]
    assert good.segments[0].measures["ndcg@1"].mean == 1.0
    (comparison,) = found.comparisons
    assert (comparison.metric, comparison.better, comparison.worse) == ("ndcg@10", "good", "bad")
    assert comparison.holm == comparison.p, "one pair needs no correction"
    assert set(found.question) == {identity.USERS, identity.TARGETS, identity.ITEMS, identity.KNOWN}
    assert comparison.mean == pytest.approx(good.measures["ndcg@10"].mean - ndcg.mean)


def test_long_tail_of_what_is_recommended():
    known = events(*(f"u{n} i{row:02}" for row in range(20) for n in range(20 - row)))
    pipeline, users = world(known, [f"i{row:02}" for row in range(20)])
    found = evaluate(pipeline, Cut(known, known, events("new i03")), users, config=EvaluateConfig(ks=(2, 4)))
    report = summary.report("run", "", {"a": Entry(kind="alphabet", evaluation=found)})
    assert report.results[0].popularity == (1.0, *[0.0] * 9), "the first two items are the most popular tenth"
    assert report.popularity == pytest.approx([(39 - 4 * n) / 210 for n in range(10)])
    assert report.comparisons == ()


def test_reports_need_models_and_one_question():
    with pytest.raises(DataError, match="no model"):
        summary.report("run", "", {})
    with pytest.raises(DataError, match="model 'b' was asked another question than 'a'"):
        summary.report("run", "", {"a": entry(), "b": entry(cold_items=True)})
    hidden = events("ann c", "dee a")
    others = {
        "users": {"hidden": events("ann c", "eve a")},
        "items to find": {"hidden": events("ann c", "dee b")},
        "competing items": {"hidden": hidden, "known": KNOWN.head(7)},
    }
    for what, changes in others.items():
        with pytest.raises(DataError, match="another question"):
            summary.report("run", what, {"a": entry(hidden=hidden), "b": entry(**changes)})
    with pytest.raises(DataError, match="another question"):
        summary.report("run", "", {"a": entry(ks=(1,)), "b": entry(ks=(2,))})


def divided(**choices):
    return split(worlds.checkerboard(), SplitConfig(**choices))


@pytest.mark.parametrize("kind", ["time", "leave_last_out"])
def test_what_was_learned_from_is_all_that_is_known(kind):
    parts = divided(kind=kind)
    early, late = protocol.cut(parts, "validation"), protocol.cut(parts, "test")
    assert early.learned is early.known is parts.train
    assert early.hidden is parts.validation
    assert late.known.equals(parts.refit)
    assert late.learned.height + late.hidden.height == parts.everything.height


def test_what_is_given_of_held_out_users_is_known_and_not_learned_from():
    parts = divided(kind="strong_generalisation")
    for part in ("validation", "test"):
        given = parts.scan(f"{part}_given").collect()
        asked = protocol.cut(parts, part)
        assert asked.known.height == asked.learned.height + given.height
        assert asked.known["time"].is_sorted()
        assert not set(asked.learned[USER]) & set(asked.hidden[USER])
        assert set(given[USER]) == set(asked.hidden[USER]) <= set(asked.known[USER])


def test_an_item_that_only_held_out_users_were_told_of_is_cold():
    pipeline, users = world(KNOWN)
    asked = Cut(KNOWN, pl.concat([KNOWN, events("dee e", start=50)]), events("dee a", "ann e", start=60))
    found = evaluate(pipeline, asked, users)
    assert to_find(found.question) == {"dee": [0]}
    assert found.question.candidates.tolist() == [0, 1, 2, 3]
    assert found.question.users.history.lengths.tolist() == [1]


def test_held_out_items_are_all_that_competes():
    pipeline, users = world(KNOWN)
    found = evaluate(pipeline, Cut(KNOWN, KNOWN, HIDDEN, "cold_items"), users, config=EvaluateConfig(ks=(1,)))
    assert to_find(found.question) == {"cy": [4], "eve": [4]}
    assert found.question.candidates.tolist() == [4]
    assert found.per_user["recall@1"].tolist() == [1.0, 1.0]
    assert "every item that nobody had before competes" in found.question.describe()
    with pytest.raises(DataError, match="did not have before and nobody had"):
        evaluate(pipeline, Cut(KNOWN, KNOWN, events("dee a"), "cold_items"), users)


def test_beyond_accuracy_is_measured_for_every_k_and_list():
    found = beyond.measure(ask(ks=(1, 3)))
    assert set(found.per_user) - set(ask(ks=(1, 3)).per_user) == {
        f"{name}@{k}" for name in ("novelty", "serendipity", "popularity_lift") for k in (1, 3)
    }, "nothing tells these items apart, so no diversity"
    assert found.overall["gini@1"] == pytest.approx(0.5), "each of two users was shown another of four items"
    assert found.per_user["novelty@1"].tolist() == [3.0, 1.0]
    bare = beyond.measure(ask(ks=(1,), repeats=True))
    assert bare.per_user["serendipity@1"].tolist() == [0.0] * 3, "the most popular item is no surprise"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"hidden": events("ann c", "eve a")}, {identity.USERS}),
        ({"hidden": events("ann c", "dee b")}, {identity.TARGETS}),
        ({"known": KNOWN.head(7)}, {identity.ITEMS, identity.KNOWN}),
        ({"known": pl.concat([KNOWN, KNOWN.tail(1)])}, {identity.KNOWN}),
        ({"catalogue": "edcba"}, set()),
        ({"backwards": True, "ks": (3,), "bootstrap": 7}, set()),
    ],
)
def test_a_question_is_known_by_what_was_asked_and_nothing_else(changes, what):
    hidden = events("ann c", "dee a")
    one, other = (identity.identity(ask(**{"hidden": hidden, **c}).question) for c in ({}, changes))
    assert set(identity.differences(one, other)) >= what
    assert bool(identity.differences(one, other)) == bool(what)


def test_ids_of_another_type_are_other_ids():
    assert identity._bytes(pl.Series([1, 23])) != identity._bytes(pl.Series(["1", "23"]))
    assert identity._bytes(pl.Series(["1", "23"])) != identity._bytes(pl.Series(["12", "3"]))


def test_answers_of_every_user_come_back(tmp_path):
    asked = {"good": ask(ks=(1, 3)), "bad": ask(ks=(1, 3), backwards=True)}
    answers.write(answers.table(asked), tmp_path / answers.FILE)
    found = answers.read(tmp_path / answers.FILE)
    assert list(found) == ["good", "bad"]
    for name, one in asked.items():
        assert found[name].keys() == one.per_user.keys()
        for key, values in one.per_user.items():
            assert found[name][key] == pytest.approx(values, abs=1e-6)


def test_what_one_model_lacks_is_not_read_as_nothing(tmp_path):
    whole, bare = ask(ks=(1, 3)), ask(ks=(1,))
    answers.write(answers.table({"whole": whole, "bare": bare}), tmp_path / answers.FILE)
    found = answers.read(tmp_path / answers.FILE)
    assert "ndcg@3" in found["whole"]
    assert "ndcg@3" not in found["bare"]


def test_diversity_is_measured_where_items_can_be_told_apart():
    board = worlds.train("popularity", worlds.checkerboard())
    parts = split(board.dataset, SplitConfig())
    found = beyond.measure(
        evaluate(board.pipeline, protocol.cut(parts, "test"), board.dataset.users, config=EvaluateConfig(ks=(5,)))
    )
    assert ((found.per_user["diversity@5"] > 0) & (found.per_user["diversity@5"] < 1.5)).all()


def test_what_nobody_leaned_towards_is_not_to_be_found():
    meanings = {
        "shown": EventType(meaning=Meaning.IMPRESSION),
        "thumb": EventType(meaning=Meaning.DISLIKE, sign=-1),
        "hum": EventType(sign=0),
        "click": EventType(meaning=Meaning.CLICK),
    }
    pipeline, users = world(schema=Schema(user_id=IdType.STRING, item_id=IdType.STRING, meanings=meanings))
    kinds = pl.Series("type", ["shown", "click", "thumb", "hum", "new"])
    hidden = events("ann c", "ann d", "dee a", "dee b", "dee c").with_columns(kinds)
    found = evaluate(pipeline, Cut(KNOWN, KNOWN, hidden), users)
    assert to_find(found.question) == {"ann": [3], "dee": [2]}, "a type that was not said to mean anything counts"
