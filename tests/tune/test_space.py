# SPDX-License-Identifier: Apache-2.0
"""What is tuned: a model's own keys, those of training, and what the run file says of them."""

import re

import pytest

import knobs
from penchant.errors import ConfigError
from penchant.models.recommender import Range
from penchant.tune.space import Key, keys, say


def test_a_models_own_keys(tmp_path):
    found = keys(knobs.run(tmp_path))
    assert found == {
        "turn": Key(name="turn", table="model", where=Range(0.0, 1.0), whole=False, default=0.9),
    }


def test_one_that_learns_by_steps_has_the_keys_of_training_too(tmp_path):
    found = keys(knobs.run(tmp_path, kind="slow_knob"))
    assert {name: key.table for name, key in found.items()} == {
        "turn": "model", "learning_rate": "train", "batch_size": "train", "weight_decay": "train",
    }  # fmt: skip
    assert found["learning_rate"].default == 0.001
    assert found["batch_size"].where.choices == (32, 64, 128, 256)


def test_the_run_file_adds_changes_and_leaves_out(tmp_path):
    text = """
[tune.space]
turn = { low = 0.1, high = 0.5 }
size = { low = 1, high = 8, log = true }
exact = { choices = [true, false] }
weight_decay = false
average = { choices = [0.0, 0.9] }
"""
    found = keys(knobs.run(tmp_path, text, kind="slow_knob"))
    assert list(found) == ["turn", "learning_rate", "batch_size", "size", "exact", "average"]
    assert (found["turn"].where, found["turn"].whole) == (Range(0.1, 0.5), False)
    assert (found["size"].where, found["size"].whole) == (Range(1, 8, log=True), True)
    assert (found["average"].table, found["average"].default) == ("train", 0.99)
    assert keys(knobs.run(tmp_path, text, kind="slow_knob"), own=False).keys() == {
        "turn", "learning_rate", "batch_size", "weight_decay",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "trun = { low = 0, high = 1 }",
            "[tune.space] trun: neither the model 'knob' nor [train] has such",
        ),
        ("trun = { low = 0, high = 1 }", "to tune (did you mean 'turn'?)"),
        ("learning_rate = { low = 0.1, high = 1 }", "neither the model 'knob' nor [train]"),
        ("seed = { low = 0, high = 9 }", "[tune.space] seed: this key is not tuned; set it in its own table"),
        ("epochs = { low = 1, high = 9 }", "[tune.space] epochs: this key is not tuned"),
        ("turn = { low = 0, high = 2 }", "[tune.space] turn: 2 is not possible: Expected `float` <= 1.0"),
        ("turn = { low = 1, high = 0 }", "[tune.space] turn: table: give low and high, low being lower"),
        ("turn = { lowest = 1 }", "[tune.space] turn: unknown key 'lowest' (did you mean 'low'?)"),
        ("turn = 0.5", "[tune.space] turn: write { low = 1, high = 10 }"),
        ("turn = true", "[tune.space] turn: write { low = 1, high = 10 }"),
        ("size = { low = 1.5, high = 4 }", "[tune.space] size: 1.5 is not possible: Expected `int`"),
        ("exact = { low = 0, high = 1 }", "[tune.space] exact: 0 is not possible: Expected `bool`"),
        ("turn = false", "there is nothing to tune of the model 'knob'; name keys of its own in [tune.space]"),
    ],
)
def test_what_cannot_be_tuned_is_said(tmp_path, line, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        keys(knobs.run(tmp_path, f"\n[tune.space]\n{line}\n"))


def test_a_model_without_a_space(tmp_path):
    with pytest.raises(ConfigError, match="there is nothing to tune of the model 'plain'"):
        keys(knobs.run(tmp_path, kind="plain"))
    text = "\n[tune.space]\nturn = { low = 0.0, high = 1.0 }\n"
    assert list(keys(knobs.run(tmp_path, text, kind="plain"))) == ["turn"]


def test_numbers_have_few_digits_and_stay_inside():
    real = Key(name="x", table="model", where=Range(0.0012354, 3.14159), whole=False, default=1.0)
    assert real.tidy(0.123456) == 0.1235
    assert real.tidy(3.14159) == 3.14159
    assert real.tidy(0.00123541) == 0.0012354
    assert real.tidy(None) is None
    whole = Key(name="x", table="model", where=Range(1, 99999), whole=True, default=1)
    assert whole.tidy(12345) == 12345
    assert (whole.holds(5), whole.holds(0), whole.holds(None), whole.holds("5")) == (True, False, False, False)
    named = Key(name="x", table="model", where=Range(choices=("a", "b")), whole=False, default="a")
    assert (named.tidy("a"), named.holds("a"), named.holds("c")) == ("a", True, False)


def test_words():
    assert [say(value) for value in (True, False, None, 0.5, 12, "a")] == [
        "true",
        "false",
        "none",
        "0.5",
        "12",
        "a",
    ]
    log = Key(name="x", table="model", where=Range(0.001, 10, log=True), whole=False, default=1.0)
    assert log.words() == "0.001 to 10, by orders of magnitude"
    among = Key(name="x", table="model", where=Range(choices=(True, False)), whole=False, default=True)
    assert among.words() == "true, false"
