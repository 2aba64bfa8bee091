# SPDX-License-Identifier: Apache-2.0
"""The run file: strict, with messages that name the file, the table, the key, and the nearest that is known."""

from pathlib import Path

import pytest

from penchant.config import ModelChoice, RunConfig
from penchant.data.config import DataConfig
from penchant.errors import ConfigError
from penchant.serve.run import ServeConfig
from penchant.train.trainer import TrainConfig

DATA = '[data]\nname = "x"\nevents = { path = "e.csv" }\n'


def parse(text: str, head: str = DATA) -> RunConfig:
    return RunConfig.parse(head + text, Path("a/run.toml"))


def message(text: str, head: str = DATA) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, head)
    assert "a/run.toml" in str(caught.value)
    return str(caught.value)


def test_defaults():
    run = parse("")
    assert run.base == Path("a")
    assert run.name == "x"
    assert run.content == {}
    assert run.model == ModelChoice(kind="sasrec", choices={})
    assert list(run.models) == ["sasrec"]
    assert run.read(TrainConfig, "train") == TrainConfig()
    assert run.read(DataConfig, "data").events.path == "e.csv"


def test_each_table_is_read_by_its_class():
    run = parse('[train]\nseed = 7\n[serve]\nport = 81\n[content.text]\nkind = "tfidf"\nsize = 8\n')
    assert run.read(TrainConfig, "train").seed == 7
    assert run.read(ServeConfig, "serve").port == 81
    assert run.content == {"text": {"kind": "tfidf", "size": 8}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[trian]\n", r"unknown table [trian] (did you mean 'train'?)"),
        ("[train]\nepoch = 3\n", "[train]: unknown key 'epoch' (did you mean 'epochs'?)"),
        ("[train]\nepochs = 0\n", "[train]: epochs: Expected `int` >= 1"),
        ('[train]\nepochs = "many"\n', "[train]: epochs: Expected `int`, got `str`"),
        ("[evaluate]\nks = [0]\n", "[evaluate]: ks[0]: Expected `int` >= 1"),
        ("[evaluate]\nks = [-1]\n", "[evaluate]: ks[0]: Expected `int` >= 1"),
        ("[evaluate]\nks = [1000000000]\n", "[evaluate]: ks[0]: Expected `int` <= 10000"),
        ("[serve]\nprot = 1\n", "[serve]: unknown key 'prot' (did you mean 'port'?)"),
        ("[data.split]\nkind = 'random'\n", "[data]: split.kind: Invalid enum value 'random'"),
        ("[model]\nkind = 'sasrek'\n", "[model]: There is no model 'sasrek' (did you mean 'sasrec'?)"),
        ("[model]\nkind = 3\n", '[model]: say which model by kind = "..." (known: blend, block_ease, bpr'),
        ("[model]\nembeding_size = 8\n", "[model] of kind 'sasrec': unknown key 'embeding_size' (did you mean"),
        ("[[baselines]]\nreg = 1\n", '[[baselines]]: say which model by kind = "..."'),
        ("[[baselines]]\nkind = 'eas'\n", "[[baselines]]: There is no model 'eas' (did you mean 'ease'?)"),
        ("[[baselines]]\nkind = 'ease'\nreg = -1\n", "[[baselines]] of kind 'ease': reg: Expected `float`"),
        ("[baselines]\nkind = 'ease'\n", "baselines must be a list"),
        ("[content]\ntext = 3\n", "[content]: text: Expected `object`, got `int`"),
        (
            "[content.text]\nkind = 'tfdif'\n",
            "[content.text]: There is no encoder 'tfdif' (did you mean",
        ),
        (
            "[content.text]\nkind = 'tfidf'\nsizes = 3\n",
            "[content.text] of kind 'tfidf': unknown key 'sizes' (did you mean 'size'?)",
        ),
        ("[data.checks]\nmax_bad = 3\n", "[data] [checks]: unknown key 'max_bad'"),
    ],
)
def test_what_is_wrong_is_named(text, said):
    assert said in message(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the table [data] is missing"),
        ("train = 3\n" + DATA, "train must be a table, written [train]"),
        ("data = 3\n", "data must be a table, written [data]"),
        (
            '[data]\nname = "x"\nevents = { path = "a", train = "b" }\n',
            "[data.events] needs either path, or train",
        ),
        ('[data]\nname = "x"\nevents = { test = "b" }\n', "a ready split needs train"),
        ('[data]\nname = "../x"\nevents = { path = "b" }\n', "[data]: name: Expected `str` matching regex"),
        ('[data]\nname = "x"\n', "[data]: table: Object missing required field `events`"),
        ('[data]\nname = "x\n', "a/run.toml, line 2: this is not TOML: "),
        ("[data]\n\nname = [\n", "a/run.toml, line 4: this is not TOML: "),
        ("[data]\n[data]\n", "a/run.toml, line 2: this is not TOML: Cannot declare ('data',) twice"),
    ],
)
def test_what_is_wrong_with_the_whole_is_named(text, said):
    assert said in message(text, head="")


def test_files_that_are_no_run_files(tmp_path):
    with pytest.raises(ConfigError, match=r"There is no run file .*none\.toml.*penchant init"):
        RunConfig.load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="is a folder, where a run file"):
        RunConfig.load(tmp_path)
    (tmp_path / "bad.toml").write_bytes(b"[data]\nname = '\xff'")
    with pytest.raises(ConfigError, match=r"bad\.toml is not text in UTF-8: byte 15 is damaged"):
        RunConfig.load(str(tmp_path / "bad.toml"))


def test_models_beside_the_model_have_names_of_their_own():
    text = """baselines = ["ease", "popularity"]\n"""
    assert list(parse(DATA, head=text).models) == ["sasrec", "ease", "popularity"]
    three = '[model]\nkind = "ease"\n' + "".join(f'[[baselines]]\nkind = "ease"\nreg = {r}.0\n' for r in (1, 2, 1))
    models = parse(three).models
    assert {name: dict(choice.choices) for name, choice in models.items()} == {
        "ease": {},
        "ease-2": {"reg": 1.0},
        "ease-3": {"reg": 2.0},
    }


def test_a_model_with_a_second_stage_is_measured_alone_as_well():
    models = parse('[model]\nkind = "ease"\n[rank]\n[[baselines]]\nkind = "ease"\n').models
    assert {name: choice.ranked for name, choice in models.items()} == {"ease": True, "ease-alone": False}
    other = parse("[rank]\n").override(model="ials")
    assert list(other.models) == ["ials", "ials-alone"]


def test_another_model_takes_the_choices_that_the_file_has_for_it():
    run = parse(
        '[model]\nkind = "sasrec"\ndropout = 0.1\n[[baselines]]\nkind = "ease"\nreg = 3.0\n[train]\nepochs = 4\n'
    )
    other = run.override(model="ease", seed=5)
    assert other.model == ModelChoice(kind="ease", choices={"reg": 3.0})
    assert other.read(TrainConfig, "train") == TrainConfig(epochs=4, seed=5)
    assert run.model.kind == "sasrec"
    assert run.override(model="popularity").model == ModelChoice(kind="popularity", choices={})
    assert run.override() == run
    with pytest.raises(ConfigError, match=r"no model 'eese' \(did you mean 'ease'\?\)"):
        run.override(model="eese")
