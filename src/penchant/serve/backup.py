# SPDX-License-Identifier: Apache-2.0
"""All state in one file, and back: the bundles that answer, how they were trained, and what a service was told.

A tar of `backup.json` (what is in it, with the SHA-256 of each), tables as Parquet, and bundles as they are. So
what was kept in SQLite may come back into PostgreSQL, and the other way round. The service may run meanwhile: the
database is read as of one moment. Bundles are copied before that moment: one that had learned from an event which
the tables lack would take the next event of that number for known.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
import polars as pl
import sqlalchemy as sa

from penchant.artefact import write_bytes
from penchant.bundle import current
from penchant.errors import BundleError, PenchantError
from penchant.serve import eventtable, experiments, impressiontable, itemstore, userstore
from penchant.serve.database import connect, make_tables, reason_of, take_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = "penchant-backup"
_HEAD = "backup.json"
_ROWS = 100_000
"""Of one Parquet file, and of one statement when they come back."""
_METAS = (eventtable.TABLES, itemstore.TABLES, userstore.TABLES, impressiontable.TABLES)


class BackupError(PenchantError):
    """A backup cannot be made, or is not one that can be restored here."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The file `backup.json`."""

    magic: str
    created: str
    """UTC, ISO 8601."""
    rows: dict[str, int]
    """Of each table."""
    files: dict[str, str]
    """SHA-256 of every other file."""


def backup(artefacts: Path, url: str, target: Path) -> Head:
    """Write everything that a service needs to go on elsewhere into one file.

    Args:
        artefacts: the folder of bundles and runs.
        url: of the database.
        target: a `.tar` that is not there yet.

    Raises:
        BackupError: the file is there already, or the database cannot be read.
        BundleError: no bundle is current.
    """
    if target.exists():
        raise BackupError(f"{target} is there already: write to another file")
    engine = connect(url)
    draft = target.with_name(f".{target.name}.part")
    files: dict[str, str] = {}
    rows: dict[str, int] = {}
    try:
        with tarfile.open(draft, "w") as tar:
            for name, path in _kept(artefacts):
                files[name] = _add(tar, name, path.read_bytes())
            for table, part, frame in _tables(engine):
                rows[table] = rows.get(table, 0) + frame.height
                if frame.height:
                    raw = io.BytesIO()
                    frame.write_parquet(raw)
                    name = f"tables/{table}-{part:05}.parquet"
                    files[name] = _add(tar, name, raw.getvalue())
            head = Head(
                magic=MAGIC, created=datetime.now(UTC).isoformat(timespec="seconds"), rows=rows, files=files
            )
            _add(tar, _HEAD, msgspec.json.encode(head))
        draft.replace(target)
    except sa.exc.SQLAlchemyError as error:
        raise BackupError(f"The database {_shown(engine)} cannot be read: {reason_of(error)}") from error
    finally:
        draft.unlink(missing_ok=True)
        engine.dispose()
    return head


def restore(source: Path, artefacts: Path, url: str) -> Head:
    """Put back what `backup` wrote: all of it or, if the database refuses, nothing of its tables.

    Args:
        source: the file.
        artefacts: a folder without bundles.
        url: of a database without events.

    Raises:
        BackupError: the file is damaged or none of these, or there is something already where it should go.
    """
    bundles = artefacts / "bundles"
    if (bundles / current.CURRENT).exists():
        raise BackupError(f"{bundles} holds bundles already: restore into another folder (--artefacts)")
    with TemporaryDirectory(prefix="penchant-restore-") as name:
        folder = Path(name)
        head = _unpack(source, folder)
        bundles.mkdir(parents=True, exist_ok=True)
        _fill(url, folder / "tables")
        pointers = head.files.keys() & {f"bundles/{current.CURRENT}", f"bundles/{current.PREVIOUS}"}
        # What says that there is something comes last.
        for path in sorted(head.files.keys() - pointers) + sorted(pointers):
            if not path.startswith("tables/"):
                write_bytes(artefacts / path, (folder / path).read_bytes())
    return head


def _kept(artefacts: Path) -> Iterator[tuple[str, Path]]:
    """(name in the backup, file): the bundles that answer or may be gone back to, and how they were trained."""
    bundles = artefacts / "bundles"
    names = {current.named(bundles)}
    pointers = [current.CURRENT]
    try:
        names.add(current.named(bundles, current.PREVIOUS))
        pointers.append(current.PREVIOUS)
    except BundleError:  # it was the first one
        pass
    trial = experiments.running(experiments.read(bundles))
    names |= {one.bundle for one in trial.variants} if trial else set()
    pointers += [experiments.FILE] if (bundles / experiments.FILE).exists() else []
    yield from ((f"bundles/{name}", bundles / name) for name in pointers)
    for name in sorted(names):
        yield from ((f"bundles/{name}/{path.name}", path) for path in sorted((bundles / name).iterdir()))
    for state in sorted((artefacts / "runs").glob("[!.]*/state.json")):
        place = f"runs/{state.parent.name}"
        yield f"{place}/state.json", state
        yield f"{place}/run.toml", state.with_name("run.toml")


def _tables(engine: sa.Engine) -> Iterator[tuple[str, int, pl.DataFrame]]:
    """(table, number of the part, rows) of all tables, as of one moment."""
    how = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**how) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        there = set(sa.inspect(connection).get_table_names())
        for table in (table for meta in _METAS for table in meta.sorted_tables if table.name in there):
            key, after, part = next(iter(table.primary_key)), None, 0
            schema = {column.name: _KINDS[column.type.python_type] for column in table.columns}
            while True:
                query = sa.select(table).order_by(key).limit(_ROWS if table.name != "content" else 100)
                rows = connection.execute(query if after is None else query.where(key > after)).fetchall()
                yield table.name, part, pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
                if not rows:
                    break
                after, part = rows[-1][0], part + 1


_KINDS: dict[type, pl.DataType] = {int: pl.Int64(), str: pl.String(), float: pl.Float64(), bytes: pl.Binary()}


def _fill(url: str, folder: Path) -> None:
    """Write tables into a database that has none of these rows, all or nothing."""
    engine = connect(url)
    try:
        for meta in _METAS:
            make_tables(engine, meta)
        with engine.begin() as connection:
            take_turn(connection, "events")
            for table in (table for meta in _METAS for table in meta.sorted_tables):
                if table is eventtable.ABOUT:
                    connection.execute(table.delete())  # the log that comes back keeps its own identity
                elif connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
                    raise BackupError(
                        f"{_shown(engine)} holds {table.name} already: restore into an empty database"
                    )
                for path in sorted(folder.glob(f"{table.name}-*.parquet")):
                    connection.execute(table.insert(), pl.read_parquet(path).to_dicts())
                if engine.dialect.name == "postgresql" and table.name in {"lists", "lists_seen"}:
                    _count_on(connection, table)
    except sa.exc.SQLAlchemyError as error:
        raise BackupError(f"The database {_shown(engine)} cannot be filled: {reason_of(error)}") from error
    finally:
        engine.dispose()


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Let PostgreSQL number further rows behind those that came with their numbers."""
    largest = sa.select(sa.func.max(table.c.number)).scalar_subquery()
    counter = sa.func.pg_get_serial_sequence(table.name, "number")
    connection.execute(sa.select(sa.func.setval(counter, sa.func.coalesce(largest, 1))))


def _unpack(source: Path, folder: Path) -> Head:
    """Take a backup apart, and compare every file with its checksum."""
    try:
        with tarfile.open(source, "r:") as tar:
            members = {one.name: one for one in tar.getmembers() if one.isfile()}
            if _HEAD not in members:
                raise BackupError(f"{source} is no backup of Penchant: it has no {_HEAD}")
            head = msgspec.json.decode(_read(tar, members[_HEAD]), type=Head)
            if head.magic != MAGIC:
                raise BackupError(f"{source} is no backup of Penchant")
            for name, wanted in head.files.items():
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts or name not in members:
                    raise BackupError(f"{source} is damaged: {name} is missing")
                raw = _read(tar, members[name])
                if hashlib.sha256(raw).hexdigest() != wanted:
                    raise BackupError(f"{source} is damaged: {name} is not what was written")
                write_bytes(folder / path, raw)
    except (OSError, tarfile.TarError, msgspec.MsgspecError, EOFError) as error:
        raise BackupError(f"{source} cannot be read: {error}") from error
    return head


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def _add(tar: tarfile.TarFile, name: str, raw: bytes) -> str:
    """Put bytes into a tar; their SHA-256."""
    entry = tarfile.TarInfo(name)
    entry.size = len(raw)
    entry.mode = 0o600
    tar.addfile(entry, io.BytesIO(raw))
    return hashlib.sha256(raw).hexdigest()


def _shown(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
