# SPDX-License-Identifier: Apache-2.0
"""Publishers' files, made small and in their true form; and what becomes of them."""

import gzip
import tomllib
import zipfile
from types import SimpleNamespace

import msgspec
import polars as pl

from penchant.config import RunConfig
from penchant.data import config as data
from penchant.data import sources
from penchant.data.ingest import ingest
from penchant.registry import read_config


def write(folder, files):
    """Text or bytes by name; text is packed where the name ends in .gz."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        packed = isinstance(content, str) and name.endswith(".gz")
        path.write_bytes(gzip.compress(raw) if packed else raw)
    return folder


def pack(path, members, encoding="utf-8", compression=zipfile.ZIP_DEFLATED):
    """A zip file."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content.encode(encoding) if isinstance(content, str) else content)
    return path


def json_lines(*rows):
    return "".join(msgspec.json.encode(row).decode() + "\n" for row in rows)


def get(name, tmp_path, files):
    """Get a set whose files a person has put into the folder for them.

    Returns:
        `folder`, `run` (the tables of the run file), and each table by its name.
    """
    write(tmp_path / "data" / "downloads" / name.partition("/")[0], files)
    folder = sources.get(name, tmp_path / "data", accept_licence=True)
    run = check(folder)
    tables = {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}
    return SimpleNamespace(folder=folder, run=run, **tables)


def check(folder):
    """Let the run file be read, and the tables be ingested, as far as this version can read them."""
    path = folder / sources.RUN_FILE
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {**tables, "data": readable(data.DataConfig, tables["data"])}
    RunConfig(path=path, text="", tables=known).check()
    if not hasattr(data, "ReviewsConfig"):  # further kinds of columns come with it
        for table in ("items", "users"):
            known["data"].get(table, {}).pop("columns", None)
    loose = {**known["data"], "checks": {"max_bad_fraction": 1.0}, "split": {}}
    ingest(read_config(data.DataConfig, loose, "[data]"), folder)
    return tables


TABLES = {"events": "EventsConfig", "items": "ItemsConfig", "users": "UsersConfig"}


def readable(cls, table):
    """The table without the keys that the class does not know."""
    known = {field.name for field in msgspec.structs.fields(cls)}
    found = {key: value for key, value in table.items() if key in known}
    if cls is data.DataConfig:
        for key, name in TABLES.items():
            if key in found:
                found[key] = readable(getattr(data, name), found[key])
    return found
