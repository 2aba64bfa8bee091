# SPDX-License-Identifier: Apache-2.0
"""The database that keeps what came since the bundle was made: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import threading
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from penchant.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine.interfaces import DBAPIConnection

_EXAMPLE = "for example sqlite:///events.db or postgresql://user:password@host/database"
_CONNECT_SECONDS = 5
_SILENT_MILLISECONDS = 10_000
"""How long a server may leave what was sent to it unacknowledged before the connection counts as broken."""

_HINTS = {
    "full": "free some space on that disk",
    "No space left": "free some space on that disk",
    "readonly": "make the file and its folder writable",
    "read-only": "this server takes no writes now: name one that does",
    "unable to open": "see that its folder exists and is writable",
    "not a database": "this file is something else; name another",
    "locked": "another program holds it; stop that program or name another file",
    "does not exist": "make it first (createdb)",
    "authentication failed": "see user and password in its address",
    "onnection refused": "see that the server runs and takes connections there",
}


def connect(url: str) -> sa.Engine:
    """The database at `url`, for example `sqlite:///events.db` or `postgresql://user:password@host/database`.

    Nothing is asked of it yet: a server that is away is noticed by whoever asks first.

    Raises:
        ConfigError: the URL means nothing, or names a database whose driver is not installed.
    """
    try:
        address = sa.make_url(url)
        if address.drivername in {"postgresql", "postgres"}:
            address = address.set(drivername="postgresql+psycopg")
        server = address.get_backend_name() == "postgresql"
        limits = {"connect_timeout": _CONNECT_SECONDS, "tcp_user_timeout": _SILENT_MILLISECONDS} if server else {}
        engine = sa.create_engine(
            address,
            # A server may have been started again since a connection was used last.
            pool_pre_ping=server,
            connect_args={name: value for name, value in limits.items() if name not in address.query},
        )
    except sa.exc.ArgumentError as error:
        raise ConfigError(f"{url!r} is not the address of a database; {_EXAMPLE}") from error
    except ModuleNotFoundError as error:
        if error.name == "psycopg":
            raise MissingExtraError("PostgreSQL", "postgres") from error
        raise ConfigError(f"{url!r} needs the Python package {error.name!r}: pip install {error.name}") from error
    if engine.dialect.name == "sqlite":
        if not engine.url.database or engine.url.database == ":memory:":
            raise ConfigError(f"{url!r} keeps nothing: name a file, for example sqlite:///events.db")
        sa.event.listen(engine, "connect", _durable_sqlite)
    elif engine.dialect.name == "postgresql":
        sa.event.listen(engine, "connect", _durable_postgresql)
    return engine


class Glance:
    """Asks a database for one number again and again, over one connection of its own: one round trip, no more.

    Safe to use from many threads. The connection ends with the engine.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None
        self._turn = threading.Lock()
        sa.event.listen(engine, "engine_disposed", self._end)

    def __call__(self, query: sa.Select[Any]) -> int | None:
        """The number that `query` finds, as of now; None where it finds null.

        Raises:
            sa.exc.SQLAlchemyError: the database is away. The next call connects again.
        """
        with self._turn:
            if self._connection is None:
                connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                connection.detach()
                self._connection = connection
            try:
                found: int | None = self._connection.execute(query).scalar()
            except sa.exc.SQLAlchemyError:
                self._forget()
                raise
            return found

    def _end(self, _engine: sa.Engine) -> None:
        with self._turn:
            self._forget()

    def _forget(self) -> None:
        if self._connection is not None:
            with suppress(sa.exc.SQLAlchemyError):  # it may be broken, which is why it is forgotten
                self._connection.close()
            self._connection = None


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[object]]) -> None:
    """Write rows, each with a value for every column of `table` in its order.

    PostgreSQL is sent columns and not rows: one statement, where it would else be one for each row.
    """
    if not rows:
        return
    names = [column.name for column in table.columns]
    if connection.dialect.name != "postgresql":
        connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
        return
    kinds = [column.type.compile(connection.dialect) for column in table.columns]
    columns = {f"c{at}": list(values) for at, values in enumerate(zip(*rows, strict=True))}
    arrays = ", ".join(f"CAST(:c{at} AS {kind.partition('(')[0]}[])" for at, kind in enumerate(kinds))
    # Names of our own tables: nothing that came from outside stands in the statement.
    text = f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays})"  # noqa: S608
    connection.execute(sa.text(text), columns)


def take_turn(connection: sa.Connection, what: str) -> None:
    """Wait until no other process writes `what`; the turn ends with the transaction, which must have just begun.

    So numbers that are given under it are seen in their order: who sees one sees all that are lower. Databases
    other than the two that are tested let everybody in, and tell of collisions by an `IntegrityError`.
    """
    if connection.dialect.name == "sqlite":
        # A transaction that reads first and then writes could be refused by one that wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        key = zlib.crc32(f"penchant {what}".encode())
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def make_tables(engine: sa.Engine, tables: sa.MetaData) -> None:
    """Make what is not there, and add columns that a table of an earlier version lacks: such may be null.

    Raises:
        sa.exc.SQLAlchemyError: the database is away or takes no writes.
    """
    with engine.begin() as connection:
        take_turn(connection, "tables")
        tables.create_all(connection)
        there = sa.inspect(connection)
        for table in tables.sorted_tables:
            known = {column["name"] for column in there.get_columns(table.name)}
            for column in table.columns:
                if column.name not in known:
                    kind = column.type.compile(engine.dialect)
                    connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
            for index in table.indexes:
                index.create(connection, checkfirst=True)


def reason_of(error: Exception) -> str:
    """What the database itself said, and the way out where it is known."""
    said = " ".join(str(getattr(error, "orig", None) or error).split()).rstrip(".")
    hint = next((text for word, text in _HINTS.items() if word in said), None)
    return f"{said} ({hint})" if hint else said


def broke_off(error: Exception) -> bool:
    """Whether the connection broke, so that nobody knows whether a commit that was asked for was done."""
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated


def _durable_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Survive a power cut, and let readers read while the writer writes."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _durable_postgresql(connection: DBAPIConnection, _record: object) -> None:
    """Survive a power cut also where the server was told that this is not needed."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    )
    cursor.close()
    connection.commit()
