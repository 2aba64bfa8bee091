# SPDX-License-Identifier: Apache-2.0
"""What is done beside a running service: experiments, the export of what was shown, learning on, going back."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from penchant.bundle import current
from penchant.bundle.bundle import find, open_bundle, write_bundle
from penchant.serve import experiments
from penchant.serve.eventlog import EventLog
from penchant.serve.eventtable import Event
from penchant.serve.impressions import ImpressionLog
from penchant.serve.impressiontable import Shown
from shop import penchant, refused

MINUTE = 60_000_000


@pytest.fixture
def artefacts(trained):
    """The trained shop, with a second bundle of the same model, which is current."""
    place = Path("artefacts").resolve()
    shutil.copytree(trained.artefacts, place)
    old = open_bundle(place / "bundles")
    write_bundle(
        place / "bundles", old.pipeline, name="shop", kind=old.manifest.kind, users=old.users, events=old.events,
        parent=old.manifest.id,
    )  # fmt: skip
    return place


@pytest.fixture
def log(artefacts):
    log = EventLog(f"sqlite:///{artefacts / 'bundles' / 'events.db'}")
    yield log
    log.close()


def test_an_experiment_begins_is_looked_at_and_ends(artefacts, log):
    bundles = artefacts / "bundles"
    old, new = current.named(bundles, "PREVIOUS"), current.named(bundles)
    assert "There are no experiments" in penchant("experiment", "show").output
    started = penchant(
        "experiment", "start", "trial", "--variant", f"old={old}:0.8", "--variant", f"new={new}:0.2",
        "--type", "view", "--hours", "1", "--metric", "count",
    )  # fmt: skip
    assert "trial runs: old 80%, new 20%" in started.output
    (trial,) = experiments.read(bundles)
    assert (trial.types, trial.hours, trial.metric, trial.alpha) == (("view",), 1.0, "count", 0.05)
    shown = ImpressionLog(log.engine)
    for user in range(900):
        variant = trial.variant(user)
        time = trial.started - 100 * MINUTE
        one = Shown(
            request_id=str(user), time=time, user_id=user, bundle=variant.bundle, items=["a"],
            experiment="trial", variant=variant.name,
        )  # fmt: skip
        shown.show(one)
    shown.close()
    said = penchant("experiment", "show", "trial").output
    assert "trial runs, since" in said
    assert "too few users yet" in said
    assert "new - old: 0" in said
    assert penchant("experiment", "show").output == said
    assert "end it first" in refused("experiment", "start", "b", "--variant", f"a={old}", "--variant", f"b={new}")
    assert "no variant 'neww' (did you mean 'new'?)" in refused("experiment", "stop", "trial", "--winner", "neww")
    ended = penchant("experiment", "stop", "trial", "--winner", "old").output
    assert f"trial has ended; {old} answers everybody" in ended
    assert current.named(bundles) == old
    assert "has ended already" in refused("experiment", "stop", "trial")
    assert "has ended, since" in penchant("experiment", "show").output


@pytest.mark.parametrize("said", ["old", "=x", "old=", "old=x:much", "old=x:2"])
def test_a_variant_that_is_written_wrong_is_named(artefacts, said):
    assert f"--variant '{said}': write NAME=BUNDLE" in refused("experiment", "start", "trial", "--variant", said)


def test_what_was_shown_is_exported(artefacts, log):
    shown = ImpressionLog(log.engine)
    for day in range(3):
        time = day * 1440 * MINUTE
        shown.show(Shown(request_id=f"r{day}", time=time, user_id="ann", bundle="b", items=["a", "b"]))
    shown.close()
    log.append([Event(user_id="ann", item_id="b", time=1441 * MINUTE, type="view")])
    said = penchant("impressions", "export", "shown.parquet").output
    assert "6 impressions, 1 of them with an event: shown.parquet" in said
    assert pl.read_parquet("shown.parquet").filter(click=1).select("request_id", "item_id").rows() == [("r1", "b")]
    words = ["--type", "buy", "--since", "1970-01-02", "--hours", "2"]
    assert "4 impressions, 0 of them" in penchant("impressions", "export", "shown.csv", *words).output
    assert pl.read_csv("shown.csv").height == 4
    assert "0 impressions" in penchant("impressions", "export", "shown.csv", "--confirmed").output
    assert "write to a .parquet or a .csv file" in refused("impressions", "export", "shown.txt")


def test_learning_on_and_going_back(artefacts, log):
    bundles = artefacts / "bundles"
    before = find(bundles)
    assert "holds 0 new events of known items" in refused("update")
    items = open_bundle(before).events["item_id"].unique().sort().to_list()
    start = int(open_bundle(before).events["time"].max())
    first, last = items[:5], items[5]
    # A new fashion: after these five comes the sixth. Twenty users are about to do it.
    done = [(user, item) for user in range(40) for item in (*first, last)]
    done += [(user, item) for user in range(40, 60) for item in first] + [(user, last) for user in range(40, 60)]
    log.append(
        [
            Event(user_id=f"new {user}", item_id=item, time=start + at * MINUTE, type="view")
            for at, (user, item) in enumerate(done, 1)
        ]
    )
    said = penchant("update", "--epochs", "20", "--newest", "0.05").output
    assert "342 new events; 18 are set aside" in said
    assert "is current; back again: penchant bundle rollback" in said
    assert find(bundles) != before
    assert f"{before.name} is current again" in penchant("bundle", "rollback").output
    assert find(bundles) == before
    (bundles / "PREVIOUS").unlink()
    assert "nothing to roll back to" in refused("bundle", "rollback")
