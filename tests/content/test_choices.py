# SPDX-License-Identifier: Apache-2.0
"""`[content]`: which encoder reads what, found wrong before any work begins."""

import pytest

from penchant import registry
from penchant.content.choices import DEFAULTS, ContentConfig, encoder_config, known
from penchant.errors import ConfigError
from penchant.schema import Kind


def read(table):
    return registry.read_config(ContentConfig, table, "[content]")


def test_what_stands_where_nothing_is_said():
    config = read({})
    assert not config.fetch
    assert [config.choices("x", kind)[0] for kind in (Kind.TEXT, Kind.VECTOR, Kind.IMAGE, Kind.AUDIO)] == [
        "tfidf", "ready", None, None,
    ]  # fmt: skip


def test_a_column_may_choose_for_itself():
    config = read(
        {"text": {"kind": "tokens"}, "columns": {"plot": {"kind": "tfidf", "size": 8}, "title": {"size": 3}}}
    )
    assert config.choices("plot", Kind.TEXT) == ("tfidf", {"size": 8}, "[content.columns.plot]")
    assert config.choices("title", Kind.TEXT) == ("tfidf", {"size": 3}, "[content.columns.title]")
    assert read({"vector": {"kind": "ready"}, "columns": {"a": {"size": 3}}}).choices("b", Kind.AUDIO)[0] is None
    assert config.choices("other", Kind.TEXT) == ("tokens", {}, "[content.text]")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"fetsch": True}, "unknown key 'fetsch' (did you mean 'fetch'?)"),
        (
            {"image": {"kind": "histogramm"}},
            "[content.image]: There is no encoder 'histogramm' (did you mean 'histogram'?)",
        ),
        (
            {"image": {"kind": "tfidf"}},
            "[content.image]: the encoder 'tfidf' reads text, not image (known: clip, ",
        ),
        (
            {"image": {"side": 3}},
            '[content.image]: say which encoder by kind = "..." (known: clip, efficientnet, ',
        ),
        (
            {"audio": {"kind": 3}},
            "[content.audio]: kind must be the name of an encoder (known: hub_sound, logmel, ",
        ),
        (
            {"audio": {"kind": "logmel", "max_seconds": 0}},
            "[content.audio] of kind 'logmel': max_seconds: Expected",
        ),
        (
            {"columns": {"a": {"kind": "pixels", "sides": 3}}},
            "[content.columns.a] of kind 'pixels': unknown key 'sides'",
        ),
        ({"text": {"kind": ["tfidf"]}}, "[content.text]: kind must be"),
    ],
)
def test_what_is_wrong_is_named(table, said):
    with pytest.raises(ConfigError) as caught:
        read(table)
    assert said in str(caught.value)


def test_every_encoder_is_known_for_its_kind():
    assert {name for kind in DEFAULTS for name in known(kind)} == set(registry.ENCODERS)


def test_an_encoder_for_another_kind_of_column():
    with pytest.raises(
        ConfigError, match=r"here: the encoder 'pixels' reads image, not text \(known: e5, sentence"
    ):
        encoder_config("pixels", {}, "here", Kind.TEXT)
