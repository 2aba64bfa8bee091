# SPDX-License-Identifier: Apache-2.0
"""TfidfEncoder: likeness in three languages, absence, state, chance."""

from __future__ import annotations

import polars as pl
import pytest
import torch
from safetensors.torch import load, save

from penchant.content.text import TfidfEncoder

NEAR = {
    "English": [
        "A detective hunts a killer through the rainy city",
        "The detective hunts the killer in a rainy city",
        "Two penguins learn to dance on the melting ice",
        "Two dancing penguins on the ice",
    ],
    "Chinese": [
        "一名侦探在雨夜的城市里追捕凶手",
        "侦探在下雨的城市追捕一名凶手",
        "两只企鹅在融化的冰面上学跳舞",
        "两只跳舞的企鹅在冰面上",
    ],
    "Russian": [
        "Детектив преследует убийцу в дождливом городе",
        "Детективы преследовали убийц по дождливому городу",
        "Два пингвина учатся танцевать на тающем льду",
        "Танцующие пингвины на льду",
    ],
}
EVERYTHING = [text for texts in NEAR.values() for text in texts]


def series(*texts):
    return pl.Series("title", texts, dtype=pl.String)


def fitted(*texts, **choices):
    encoder = TfidfEncoder(TfidfEncoder.Config(**{"size": 16, **choices}))
    encoder.fit(series(*texts))
    return encoder


@pytest.mark.parametrize("language", NEAR)
def test_two_wordings_are_nearer_than_two_stories(language):
    vectors, present = fitted(*EVERYTHING).encode(series(*NEAR[language]))
    near = vectors @ vectors.T
    assert present.all()
    assert near[0, 1] > near[0, [2, 3]].max() + 0.2
    assert near[2, 3] > near[2, [0, 1]].max() + 0.2


def test_vectors_have_length_one_and_the_size_asked_for():
    encoder = fitted(*EVERYTHING, size=5)
    vectors, present = encoder.encode(series(*EVERYTHING))
    assert encoder.size.shape == (5,)
    assert vectors.shape == (12, 5)
    assert vectors.dtype == torch.float32
    assert torch.allclose(vectors.norm(dim=1), torch.ones(12))
    assert present.dtype == torch.bool


def test_more_directions_than_texts_are_padded_with_zeros():
    vectors, _ = fitted(*EVERYTHING, size=64).encode(series(*EVERYTHING))
    assert vectors.shape == (12, 64)
    assert not vectors[:, 11:].any()


def test_null_empty_and_wordless_texts_are_absent_and_zero():
    vectors, present = fitted(*EVERYTHING).encode(series(None, "", "  ", "…", EVERYTHING[0]))
    assert present.tolist() == [False, False, False, False, True]
    assert not vectors[:4].any()


def test_a_text_of_unknown_words_only_is_absent():
    _, present = fitted("alpha beta", "beta alpha").encode(series("日本語"))
    assert present.tolist() == [False]


def test_absent_texts_do_not_change_what_is_learned():
    one, other = fitted(*EVERYTHING), fitted(None, *EVERYTHING, None)
    assert all(torch.equal(one.state()[name], other.state()[name]) for name in one.state())


def test_a_text_alone_or_beside_others_has_one_vector():
    encoder = fitted(*EVERYTHING)
    together, _ = encoder.encode(series(*EVERYTHING))
    alone, _ = encoder.encode(series(EVERYTHING[3]))
    assert torch.allclose(alone[0], together[3], atol=1e-6)


def test_state_through_a_file():
    encoder = fitted(*EVERYTHING)
    again = TfidfEncoder(encoder.config)
    again.load_state(load(save({name: t.contiguous() for name, t in encoder.state().items()})))
    for left, right in zip(encoder.encode(series(*EVERYTHING)), again.encode(series(*EVERYTHING)), strict=True):
        assert torch.equal(left, right)


def test_the_same_seed_learns_the_same():
    one, again = fitted(*EVERYTHING, size=4), fitted(*EVERYTHING, size=4)
    assert all(torch.equal(one.state()[name], again.state()[name]) for name in one.state())


def test_the_most_frequent_terms_are_kept():
    encoder = fitted(*EVERYTHING, most_terms=10)
    assert encoder.state()["terms"].shape == (10,)
    assert encoder.state()["directions"].shape == (10, 16)
    assert encoder.state()["terms"].tolist() == sorted(encoder.state()["terms"].tolist())


@pytest.mark.parametrize("texts", [(), (None,), ("",), ("   ", None), ("alpha", "日本")])
def test_nothing_to_learn_from_makes_everything_absent(texts):
    encoder = fitted(*texts)
    vectors, present = encoder.encode(series("alpha", *texts))
    assert vectors.shape == (1 + len(texts), 16)
    assert not present.any()


def test_a_single_text_has_nothing_to_be_like():
    _, present = fitted("only one").encode(series("only one"))
    assert present.tolist() == [False]


def test_texts_that_are_all_the_same():
    vectors, present = fitted(*["once more"] * 4).encode(series(*["once more"] * 4))
    assert present.all()
    assert torch.allclose(vectors @ vectors.T, torch.ones(4, 4), atol=1e-5)


def test_no_rows():
    vectors, present = fitted(*EVERYTHING).encode(series())
    assert vectors.shape == (0, 16)
    assert present.shape == (0,)
