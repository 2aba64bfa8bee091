# SPDX-License-Identifier: Apache-2.0
"""Which file shows or sounds an item, where only the names of the files tell."""

from __future__ import annotations

import glob
import re
from pathlib import Path

import polars as pl

from penchant.errors import ConfigError

_MARK = "{id}"


def by_pattern(ids: pl.Series, pattern: str, root: Path) -> pl.Series:
    """For each id the file that a pattern leads to, relative to `root`; null where there is none.

    Args:
        ids: String, [n].
        pattern: such as "posters/{id}.*"; `*` and `?` stand for other parts of a name.
        root: the folder that it is relative to. Of several files for one id the first by name is taken.

    Raises:
        ConfigError: the pattern leads out of the folder.
    """
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ConfigError(f"The pattern {pattern!r} leads out of the table's folder {root}")
    found = sorted(glob.glob(pattern.replace(_MARK, "*"), root_dir=root))  # noqa: PTH207 (relative names)
    before, _, after = (_regex(part) for part in pattern.partition(_MARK))
    table = pl.DataFrame({"path": found}, schema={"path": pl.String}).select(
        pl.col("path").str.replace_all(r"\\", "/").str.extract(f"^{before}([^/]+){after}$").alias("id"), "path"
    )
    first = table.drop_nulls("id").unique("id", keep="first", maintain_order=True)
    return ids.alias("id").to_frame().join(first, on="id", how="left", maintain_order="left")["path"]


def _regex(part: str) -> str:
    return re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
