# SPDX-License-Identifier: Apache-2.0
"""All state in one file, and back, from either database into either."""

import io
import json
import shutil
import tarfile

import pytest

import films
from penchant.bundle import current
from penchant.bundle.bundle import open_bundle
from penchant.errors import BundleError
from penchant.serve.backup import BackupError, backup, restore
from penchant.serve.eventlog import EventLog
from penchant.serve.exporting import impressions
from penchant.serve.impressions import ImpressionLog
from penchant.serve.impressiontable import Seen, Shown
from penchant.serve.offering import Offering
from penchant.serve.service import Service
from penchant.serve.wire import ItemBody, NewEvent, UserBody
from serve.conftest import BOTH

DATABASES = BOTH


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    artefacts = tmp_path_factory.mktemp("artefacts")
    for _ in range(3):
        films.write(artefacts / "bundles", films.dataset(), kind="popularity")
    (artefacts / "runs" / "one").mkdir(parents=True)
    (artefacts / "runs" / "one" / "state.json").write_text("{}")
    (artefacts / "runs" / "one" / "run.toml").write_text("# a run")
    return artefacts


def live(url, artefacts):
    log = EventLog(url)
    return log, Service(open_bundle(artefacts / "bundles"), log, offering=Offering(ImpressionLog(log.engine)))


def known(service, log):
    service.offering.impressions.flush()
    answers = [service.recommend(user).items for user in (5, "ann")]
    return answers, service.user("ann").events, service.item(9001), log.identity, log.last


@pytest.fixture
def full(url, trained, tmp_path):
    """A backup of a service to which everything was said, and what it knew."""
    log, service = live(url, trained)
    events = [NewEvent(user_id="ann", item_id=n, event_id=f"e{n}", value=0.5) for n in (9, 27)]
    service.record(events)
    service.put_item(9001, ItemBody(features={"title": "Ünï \\ 'quoted'", "genres": ["Comedy"]}))
    service.put_user(5, UserBody())
    shown = service.offering.impressions
    shown.show(Shown(request_id="r", time=1, user_id="ann", bundle="b", items=[9], propensities=[0.25]))
    shown.confirm([Seen(request_id="r", time=2)]).result()
    wanted = known(service, log)
    head = backup(trained, url, tmp_path / "all.tar")
    assert head.rows["events"] == 2
    shown.close()
    log.close()
    return tmp_path / "all.tar", wanted


@pytest.mark.parametrize("to", BOTH)
def test_what_comes_back_knows_and_goes_on(full, to, tmp_path, request):
    source, wanted = full
    url = f"sqlite:///{tmp_path / 'back' / 'bundles' / 'events.db'}"
    if to == "postgresql":
        url = request.getfixturevalue("server").url("public")
    place = tmp_path / "back"
    restore(source, place, url)
    log, service = live(url, place)
    try:
        assert known(service, log) == wanted
        again = service.record(
            [NewEvent(user_id="ann", item_id=9, event_id="e9"), NewEvent(user_id="ann", item_id=3)]
        )
        assert (again.repeated, again.last_sequence) == (1, 3)
        service.recommend("ann", 1, request_id="new")
        service.offering.impressions.confirm([Seen(request_id="new", time=3)]).result()
        rows = impressions(log, window=10**18, confirmed=True)
        assert rows.select("request_id", "propensity").rows() == [("r", 0.25), ("new", 1.0)]
        assert current.roll_back(place / "bundles")
        assert (place / "runs" / "one" / "run.toml").read_text() == "# a run"
        assert len([path for path in (place / "bundles").iterdir() if path.is_dir()]) == 2
        with pytest.raises(BackupError, match="holds bundles already"):
            restore(source, place, url)
        with pytest.raises(BackupError, match=r"holds \w+ already: restore into an empty database"):
            restore(source, tmp_path / "third", url)
    finally:
        service.offering.impressions.close()
        log.close()
        if to == "postgresql":
            with log.engine.begin() as connection:
                connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            log.engine.dispose()


def test_what_cannot_be_kept_or_brought_back_is_named(full, trained, tmp_path, url):
    source, _ = full
    with pytest.raises(BackupError, match="is there already: write to another file"):
        backup(trained, url, source)
    with pytest.raises(BundleError, match="has no CURRENT"):
        backup(tmp_path / "nothing", url, tmp_path / "b.tar")
    assert not list(tmp_path.glob("*.part"))
    with pytest.raises(BackupError, match="cannot be read"):
        backup(trained, "postgresql://me@127.0.0.1:1/shop", tmp_path / "b.tar")
    (tmp_path / "poem.tar").write_text("Shall I compare thee")
    with pytest.raises(BackupError, match=r"poem\.tar cannot be read"):
        restore(tmp_path / "poem.tar", tmp_path / "x", url)
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.add(tmp_path / "poem.tar", "poem")
    with pytest.raises(BackupError, match="is no backup of Penchant"):
        restore(tmp_path / "other.tar", tmp_path / "x", url)
    raw = source.read_bytes()
    spoiled = tmp_path / "spoiled.tar"
    spoiled.write_bytes(raw.replace(b"# a run", b"# A run"))
    with pytest.raises(BackupError, match=r"runs/one/run\.toml is not what was written"):
        restore(spoiled, tmp_path / "x", url)
    for name in ("../../out", "/out", "not there"):
        head = {"magic": "penchant-backup", "created": "", "rows": {}, "files": {name: "0"}}
        raw = json.dumps(head).encode()
        with tarfile.open(spoiled, "w") as tar:
            for member, content in (("backup.json", raw), ("../../out", b""), ("/out", b"")):
                entry = tarfile.TarInfo(member)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        with pytest.raises(BackupError, match=f"is damaged: {name} is missing"):
            restore(spoiled, tmp_path / "x", url)
    assert not (tmp_path / "x" / "bundles" / "CURRENT").exists()
    shutil.rmtree(tmp_path / "x", ignore_errors=True)
