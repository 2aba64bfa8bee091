# SPDX-License-Identifier: Apache-2.0
"""Bundles: the round trip, and every way in which one can be damaged or foreign."""

from __future__ import annotations

import shutil
from functools import cache

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file

import worlds
from penchant import artefact, registry
from penchant.artefact import sha256
from penchant.bundle import bundle as module
from penchant.bundle import current, verify
from penchant.bundle.bundle import find, open_bundle, write_bundle
from penchant.bundle.current import CURRENT
from penchant.bundle.manifest import FORMAT
from penchant.errors import BundleError
from penchant.models.recommender import VectorRecommender


@cache
def world(kind="ease"):
    quick = worlds.replace_struct(worlds.QUICK, epochs=2)
    return worlds.train(kind, worlds.checkerboard(), config=quick)


def write(folder, kind="ease", **more):
    one = world(kind)
    choices = {"name": "board", "kind": kind, "users": one.dataset.users, "events": one.dataset.events, **more}
    return write_bundle(folder, one.pipeline, **choices)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write(tmp_path_factory.mktemp("bundles"))


@pytest.fixture
def copy(made, tmp_path):
    """A bundle that a test may spoil."""
    return shutil.copytree(made, tmp_path / made.name)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def restate(folder, **changes):
    """Change the manifest, with the checksums of the files as they are now, as somebody who means it would."""
    raw = msgspec.json.decode((folder / "manifest.json").read_bytes())
    raw["files"] = {path.name: sha256(path) for path in folder.iterdir() if path.name != "manifest.json"}
    (folder / "manifest.json").write_bytes(msgspec.json.encode(raw | changes))


def rewrite(folder, name, value):
    (folder / name).write_bytes(msgspec.json.encode(value))


# The round trip


@pytest.mark.parametrize("kind", sorted(registry.MODELS))
def test_round_trip(tmp_path, kind):
    one = world(kind)
    path = write(tmp_path, kind, metrics={"ndcg@10": 0.25}, root=tmp_path, parent="before")
    opened = open_bundle(path)
    assert opened.users.equals(one.dataset.users)
    assert opened.events.equals(one.dataset.events)
    assert opened.pipeline.catalogue.frame.equals(one.dataset.items)
    assert opened.root == tmp_path.resolve()
    assert opened.pipeline.space.schema == one.dataset.schema
    stated = opened.manifest
    assert (stated.id, stated.name, stated.kind, stated.parent) == (path.name, "board", kind, "before")
    assert stated.metrics == {"ndcg@10": 0.25}
    assert stated.counts == {"items": 38, "users": 59, "events": 420}
    assert stated.files.keys() == {*names(path)} - {"manifest.json"}
    assert stated.libraries["torch"] == torch.__version__
    again = worlds.with_pipeline(one, opened.pipeline)
    assert again.lists(again.everyone()) == one.lists(one.everyone())
    has_vectors = isinstance(one.pipeline.model, VectorRecommender)
    assert ("item_vectors.safetensors" in stated.files) == has_vectors


def test_a_new_bundle_becomes_the_current_one(tmp_path):
    first = write(tmp_path)
    second = write(tmp_path)
    assert first != second
    assert find(tmp_path) == second
    assert find(first) == first
    assert open_bundle(tmp_path).manifest.id == second.name
    assert names(tmp_path) == sorted([first.name, second.name, CURRENT, current.PREVIOUS])
    assert current.roll_back(tmp_path) == first.name
    assert find(tmp_path) == first
    assert current.roll_back(tmp_path) == second.name
    with pytest.raises(BundleError, match="holds no bundle 'third'"):
        current.point(tmp_path, "third")
    third = write(tmp_path, make_current=False)
    assert third.is_dir()
    assert find(tmp_path) == second


def test_the_same_data_have_the_same_fingerprints(tmp_path):
    prints = [open_bundle(write(tmp_path)).manifest.fingerprints for _ in range(2)]
    other = open_bundle(write(tmp_path, events=world().dataset.events.head(400))).manifest.fingerprints
    assert prints[0] == prints[1]
    assert prints[0]["space"] == other["space"]
    assert prints[0]["data"] != other["data"]


def test_without_events_or_users_it_can_be_opened(tmp_path):
    one = world()
    path = write(tmp_path, events=one.dataset.events.clear(), users=one.dataset.users.clear())
    assert [answer.user for answer in answers_of(path)] == [None]
    assert open_bundle(path).root is None


def test_a_root_that_is_gone_is_none(tmp_path):
    (tmp_path / "pictures").mkdir()
    path = write(tmp_path / "bundles", root=tmp_path / "pictures")
    assert open_bundle(path).root == (tmp_path / "pictures").resolve()
    (tmp_path / "pictures").rmdir()
    assert open_bundle(path).root is None


def test_it_can_be_carried_elsewhere(copy):
    assert open_bundle(copy.rename(copy.parent / "renamed")).manifest.name == "board"


def test_the_card_tells_people(made):
    text = (made / "card.md").read_text(encoding="utf-8")
    assert "# board: ease" in text
    assert "38 items, 59 users, 420 events" in text
    assert "| reg | 300.0 |" in text
    assert "Nothing was measured." in text


def answers_of(path):
    return msgspec.json.decode((path / "golden.json").read_bytes(), type=list[verify.Golden])


def test_golden_requests_are_those_of_the_pipeline(made):
    one = world()
    found = answers_of(made)
    assert [answer.user for answer in found] == [*range(100, 156, 7), None]
    lists = one.lists(one.users([answer.user or 999 for answer in found]), k=10)
    assert [dict(zip(answer.items, answer.scores, strict=True)) for answer in found] == [
        pytest.approx(answer) for answer in lists
    ]


# Never half


@pytest.mark.parametrize("step", ["save_file", "write_json", "sha256"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_while_writing_leaves_the_one_before(tmp_path, monkeypatch, step, error):
    before = write(tmp_path)

    def fail(*_):
        raise error("No space left on device")

    monkeypatch.setattr(module, step, fail)
    with pytest.raises(error):
        write(tmp_path)
    assert names(tmp_path) == sorted([before.name, CURRENT])
    monkeypatch.undo()
    assert open_bundle(tmp_path).manifest.id == before.name


def test_a_failure_before_the_pointer_leaves_the_one_before_current(tmp_path, monkeypatch):
    before = write(tmp_path)

    def fail(path, text):
        if path.name == CURRENT:
            raise OSError("No space left on device")
        artefact.write_text(path, text)

    monkeypatch.setattr(current, "write_text", fail)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path)
    assert find(tmp_path) == before


def test_nothing_is_visible_before_it_is_whole(tmp_path, monkeypatch):
    seen = []

    def watch(*arguments):
        seen.extend(path for path in tmp_path.iterdir() if not path.name.startswith("."))
        return sha256(*arguments)

    monkeypatch.setattr(module, "sha256", watch)
    write(tmp_path)
    assert seen == []


# Finding


@pytest.mark.parametrize("there", [True, False])
def test_no_bundle_at_all(tmp_path, there):
    folder = tmp_path if there else tmp_path / "gone"
    with pytest.raises(BundleError, match=r"holds no bundle .* penchant train"):
        open_bundle(folder)


@pytest.mark.parametrize("name", ["", "gone", "..", ".", "../x", "/", "a/b", "a\0b", "\\", "x" * 5000])
def test_a_pointer_to_nowhere_or_out_of_the_folder(tmp_path, made, name):
    shutil.copytree(made, tmp_path / "x")
    shutil.copy(made / "manifest.json", tmp_path)
    folder = tmp_path / "inner"
    shutil.copytree(made, folder / "a" / "b")
    (folder / CURRENT).write_text(name)
    with pytest.raises(BundleError, match=r"CURRENT names .* no such bundle"):
        open_bundle(folder)


def test_a_pointer_that_is_not_text(tmp_path):
    (tmp_path / CURRENT).write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match="CURRENT names"):
        open_bundle(tmp_path)


# Damaged


def test_every_file_is_guarded_against_one_flipped_byte(made, copy):
    for name in names(made):
        if name == "manifest.json":
            continue
        raw = bytearray((made / name).read_bytes())
        raw[len(raw) // 2] ^= 1
        (copy / name).write_bytes(raw)
        with pytest.raises(BundleError, match=f"{name} is damaged: its checksum"):
            open_bundle(copy)
        shutil.copy(made / name, copy / name)
    assert open_bundle(copy)


def test_every_file_is_guarded_against_being_cut_short_or_missing(made, copy):
    for name in names(made):
        raw = (made / name).read_bytes()
        (copy / name).write_bytes(raw[: len(raw) // 2])
        with pytest.raises(BundleError, match=f"{name} is damaged"):
            open_bundle(copy)
        (copy / name).unlink()
        with pytest.raises(BundleError, match=f"{name} is missing|holds no bundle"):
            open_bundle(copy)
        shutil.copy(made / name, copy / name)
    assert open_bundle(copy)


@pytest.mark.parametrize("raw", [b"", b"\xff\xff", b"[1]", b'"text"', b'{"magic": "\xff"}'])
def test_a_manifest_that_is_not_one(copy, raw):
    (copy / "manifest.json").write_bytes(raw)
    with pytest.raises(BundleError, match=r"manifest.json"):
        open_bundle(copy)


def test_a_manifest_that_lacks_a_field(copy):
    restate(copy, counts="many")
    with pytest.raises(BundleError, match=r"manifest.json is damaged: .*counts"):
        open_bundle(copy)


def test_a_manifest_that_cannot_be_read(tmp_path):
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(BundleError, match=r"is not a bundle: manifest.json cannot be read \(Is a directory\)"):
        open_bundle(tmp_path)


# Foreign


def test_a_folder_of_another_program(copy):
    rewrite(copy, "manifest.json", {"name": "something", "version": 3})
    with pytest.raises(BundleError, match="is not a Penchant bundle"):
        open_bundle(copy)


@pytest.mark.parametrize("number", [FORMAT + 1, "2", None])
def test_a_newer_format(copy, number):
    restate(copy, format=number)
    with pytest.raises(BundleError, match=rf"format {number}, and this program reads up to {FORMAT}.*pip install"):
        open_bundle(copy)


@pytest.mark.parametrize("name", ["../secret", "inner/file", "/etc/passwd", "..", "", "a\0b"])
def test_names_that_lead_out_of_the_folder_are_never_read(copy, name, monkeypatch):
    (copy.parent / "secret").write_text("secret")
    (copy / "inner").mkdir()
    (copy / "inner" / "file").write_text("x")
    stated = msgspec.json.decode((copy / "manifest.json").read_bytes())
    rewrite(copy, "manifest.json", stated | {"files": {name: "0", **stated["files"]}})
    read = []
    monkeypatch.setattr(verify, "sha256", lambda path: read.append(path) or sha256(path))
    with pytest.raises(BundleError, match="is missing"):
        open_bundle(copy)
    assert read == []


def test_files_that_the_manifest_must_list(copy):
    stated = msgspec.json.decode((copy / "manifest.json").read_bytes())
    stated["files"] = {name: s for name, s in stated["files"].items() if not name.startswith("golden")}
    rewrite(copy, "manifest.json", stated)
    with pytest.raises(BundleError, match=r"the manifest does not list golden\.json"):
        open_bundle(copy)


def test_vectors_that_the_manifest_does_not_list_are_not_used(tmp_path):
    path = write(tmp_path, "sasrec")
    restated = msgspec.json.decode((path / "manifest.json").read_bytes())
    del restated["files"]["item_vectors.safetensors"]
    rewrite(path, "manifest.json", restated)
    save_file({"vectors": torch.ones(38, 16)}, path / "item_vectors.safetensors")
    one = world("sasrec")
    again = open_bundle(path).pipeline
    assert torch.equal(again.score(one.everyone()), one.pipeline.score(one.everyone()))


def test_a_file_that_nobody_listed_does_no_harm(copy):
    (copy / ".DS_Store").write_bytes(b"x")
    assert open_bundle(copy)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "os:system"},
        {"kind": "neural"},
        {"kind": "item_knn"},
        {"config": {"regs": 1}},
        {"config": {"reg": -1}},
    ],
)
def test_a_model_that_is_not_ours_or_not_this_one(copy, changes):
    restate(copy, **changes)
    with pytest.raises(BundleError, match="this bundle cannot be opened"):
        open_bundle(copy)


def spoil_tensors(name, tensors):
    return lambda folder: save_file(tensors, folder / name)


def spoil_space(**changes):
    def spoil(folder):
        space = msgspec.json.decode((folder / "space.json").read_bytes())
        rewrite(folder, "space.json", space | changes)

    return spoil


def spoil_bytes(name, raw):
    return lambda folder: (folder / name).write_bytes(raw)


SPOILT = {
    "weights of another size": spoil_tensors("model.safetensors", {"weights": torch.zeros(3, 3)}),
    "weights of another name": spoil_tensors("model.safetensors", {"other": torch.zeros(3, 3)}),
    "no encoder's tensors": spoil_tensors("space.safetensors", {}),
    "not tensors": spoil_bytes("model.safetensors", b"hello"),
    "not a table": spoil_bytes("items.parquet", b"hello"),
    "not JSON": spoil_bytes("space.json", b"\xff"),
    "not text": spoil_bytes("golden.json", b'[{"user": "\xff"}]'),
    "no answers": spoil_bytes("golden.json", b"{}"),
    "ids of another type": spoil_space(items=["a", "b"]),
    "ids of both types": spoil_space(users=["a", 1]),
    "a kind without a column": spoil_space(item_columns={"columns": {"title": {"kind": "text"}}}),
    "a kind that does not exist": spoil_space(item_columns={"columns": {"title": {"kind": "smell"}}}),
    "an encoder that does not exist": spoil_space(encoders={"title": {"kind": "os:system", "config": {}}}),
}


@pytest.mark.parametrize("what", SPOILT)
def test_right_checksums_of_files_that_do_not_fit_together(copy, what):
    SPOILT[what](copy)
    restate(copy)
    with pytest.raises(BundleError, match=str(copy.name)):
        open_bundle(copy)


# Answers otherwise


def test_a_model_that_answers_otherwise_is_refused_and_says_to_whom(copy):
    weights = load_file(copy / "model.safetensors")["weights"]
    weights[:, 2] += 1  # item 500 for everyone who has done anything
    save_file({"weights": weights}, copy / "model.safetensors")
    restate(copy)
    first = next(a.user for a in answers_of(copy) if a.user and 500 not in seen(a.user))
    with pytest.raises(
        BundleError, match=rf"golden request of user {first} is answered with \[500, .*Make it anew"
    ):
        open_bundle(copy)


def seen(user):
    events = world().dataset.events
    return set(events.filter(events["user_id"] == user)["item_id"])


def test_a_stranger_is_asked_too(copy):
    answers = answers_of(copy)
    answers[-1] = verify.Golden(user=None, items=answers[-1].items[1:], scores=answers[-1].scores[1:])
    rewrite(copy, "golden.json", answers)
    restate(copy)
    with pytest.raises(BundleError, match="golden request of a stranger"):
        open_bundle(copy)


def test_fewer_golden_answers_are_refused(copy):
    rewrite(copy, "golden.json", answers_of(copy)[:3])
    restate(copy)
    with pytest.raises(BundleError, match=r"golden.json holds 3 requests instead of 9"):
        open_bundle(copy)
