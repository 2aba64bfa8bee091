# SPDX-License-Identifier: Apache-2.0
"""The database that keeps what came since the bundle was made: SQLite by default, or any that SQLAlchemy knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from penchant.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection


def connect(url: str) -> sa.Engine:
    """The database at `url`, for example `sqlite:///events.db`.

    Raises:
        ConfigError: the URL means nothing, or names a database whose driver is not installed.
    """
    try:
        engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except sa.exc.ArgumentError as error:
        raise ConfigError(f"{url!r} is not the address of a database; for example sqlite:///events.db") from error
    except ModuleNotFoundError as error:
        raise ConfigError(f"{url!r} needs the Python package {error.name!r}: pip install {error.name}") from error
    if engine.dialect.name == "sqlite":
        if not engine.url.database or engine.url.database == ":memory:":
            raise ConfigError(f"{url!r} keeps nothing: name a file, for example sqlite:///events.db")
        sa.event.listen(engine, "connect", _durable_sqlite)
    return engine


def reason_of(error: Exception) -> str:
    """What the database itself said, and the way out where it is known."""
    said = str(getattr(error, "orig", None) or error).strip().rstrip(".")
    hints = {
        "full": "free some space on that disk",
        "readonly": "make the file and its folder writable",
        "unable to open": "see that its folder exists and is writable",
        "not a database": "this file is something else; name another",
        "locked": "another program holds it; stop that program or name another file",
    }
    hint = next((text for word, text in hints.items() if word in said), None)
    return f"{said} ({hint})" if hint else said


def _durable_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Survive a power cut, and let readers read while the writer writes."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
