# SPDX-License-Identifier: Apache-2.0
"""A run file: one strict TOML file that says everything about a job, one table for each part.

Each table is read by the class that it configures, and all of them as soon as the file is opened: a wrong key
is found before any work begins. This file knows the tables by name only and so stands below all of them.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from penchant import registry
from penchant.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLES: dict[str, str] = {
    "data": "penchant.data.config:DataConfig",
    "features": "penchant.features.space:FeatureConfig",
    "content": "penchant.content.choices:ContentConfig",
    "rank": "penchant.rank.config:RankConfig",
    "train": "penchant.train.trainer:TrainConfig",
    "evaluate": "penchant.evaluate.protocol:EvaluateConfig",
    "serve": "penchant.serve.run:ServeConfig",
    "tune": "penchant.tune.config:TuneConfig",
}
"""Who reads which table."""

KNOWN = (*TABLES, "model", "baselines")

DEFAULT_MODEL = "sasrec"

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """A model that is asked for: its row in the table of models, and its own choices."""

    kind: str
    choices: Mapping[str, Any]
    ranked: bool = False
    """Whether a second stage ranks what it finds."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A run file that has been read and found good.

    Attributes:
        path: where it lies; paths inside it are relative to its folder.
        text: as it was written.
        tables: its tables, with what `override` changed.
    """

    path: Path
    text: str
    tables: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path | str) -> RunConfig:
        """Read a run file.

        Raises:
            ConfigError: it is not there, is not TOML (names the line), or has a table, a key or a value that
                nothing reads (names it, and the nearest that is known).
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ConfigError(
                f"There is no run file {path}. Write one from your own files with penchant init, "
                "or see all of it at work with penchant demo"
            ) from None
        except IsADirectoryError:
            raise ConfigError(f"{path} is a folder, where a run file (TOML) is meant") from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path} is not text in UTF-8: byte {error.start} is damaged") from None
        return cls.parse(text, path)

    @classmethod
    def parse(cls, text: str, path: Path) -> RunConfig:
        """As `load`, from the text of a file that lies, or will lie, at `path`."""
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"\(at (?:line (\d+), column (\d+)|end of document)\)", str(error))
            reason = str(error).split(" (at ")[0]
            line = place[1] if place and place[1] else str(text.count("\n") + 1)
            raise ConfigError(f"{path}, line {line}: this is not TOML: {reason}") from None
        run = cls(path=path, text=text, tables=tables)
        run.check()
        return run

    @property
    def base(self) -> Path:
        """The folder that paths inside the file are relative to."""
        return self.path.parent

    def check(self) -> None:
        """Let every table be read by the class that it configures.

        Raises:
            ConfigError: as `load`.
        """
        for name in self.tables:
            if name not in KNOWN:
                raise ConfigError(f"{self.path}: unknown table [{name}]{nearest(name, KNOWN)}")
        if "data" not in self.tables:
            raise ConfigError(f"{self.path}: the table [data] is missing, which says where your files are")
        for name in TABLES:
            self.read(registry.load(TABLES, name, "table"), name)
        for where, choice in [("[model]", self.model), *(("[[baselines]]", one) for one in self._baselines())]:
            self._check_choices(registry.MODELS, choice.kind, "model", choice.choices, where)

    def read(self, cls: type[T], name: str) -> T:
        """The table `name` as an instance of `cls`; its defaults if the file has no such table."""
        where = f"{self.path} [{name}]"
        try:
            return registry.read_config(cls, self._table(name), where)
        except ConfigError as error:
            # What a class itself checks is said without the name of the file.
            raise ConfigError(str(error) if str(self.path) in str(error) else f"{self.path}: {error}") from None

    @property
    def name(self) -> str:
        """The data set's name."""
        return str(self.tables["data"]["name"])

    @property
    def content(self) -> Mapping[str, Any]:
        """The table `[content]`, and those in it."""
        return self._table("content")

    @property
    def ranks(self) -> bool:
        """Whether there is a table `[rank]`, and so a second stage."""
        return "rank" in self.tables

    @property
    def model(self) -> ModelChoice:
        """The model that is trained, measured and served."""
        return replace(self._choice({"kind": DEFAULT_MODEL, **self._table("model")}, "[model]"), ranked=self.ranks)

    @property
    def models(self) -> dict[str, ModelChoice]:
        """The model and those that are measured beside it, each under a name of its own, the model first.

        Where there is a second stage, the model by itself is one of those, and the second.
        """
        named: dict[str, ModelChoice] = {self.model.kind: self.model}
        if self.ranks:
            named[f"{self.model.kind}-alone"] = replace(self.model, ranked=False)
        for choice in self._baselines():
            if choice in named.values():
                continue
            number, name = 2, choice.kind
            while name in named:
                name, number = f"{choice.kind}-{number}", number + 1
            named[name] = choice
        return named

    def override(self, *, model: str | None = None, seed: int | None = None) -> RunConfig:
        """The same run with another model or seed.

        Args:
            model: a kind; its choices are those of the run file's `[model]` or `[[baselines]]` of that kind, or
                the model's own defaults. Models that the file names are measured beside it.
            seed: takes the place of `[train] seed`.
        """
        tables = dict(self.tables)
        if model is not None:
            found = next((one for one in self.models.values() if one.kind == model), None)
            tables["model"] = {"kind": model, **(found.choices if found else {})}
        if seed is not None:
            tables["train"] = {**self._table("train"), "seed": seed}
        changed = replace(self, tables=tables)
        changed.check()
        return changed

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self.tables.get(name, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{self.path}: {name} must be a table, written [{name}]")
        return table

    def _baselines(self) -> list[ModelChoice]:
        named = self.tables.get("baselines", [])
        if not isinstance(named, list):
            raise ConfigError(
                f'{self.path}: baselines must be a list: baselines = ["popularity", "ease"] at the top of the '
                "file, or a table [[baselines]] for each"
            )
        tables = [{"kind": one} if isinstance(one, str) else one for one in named]
        return [self._choice(table, "[[baselines]]") for table in tables]

    def _choice(self, table: Any, where: str) -> ModelChoice:
        if not isinstance(table, dict) or not isinstance(table.get("kind"), str):
            known = ", ".join(sorted(registry.MODELS))
            raise ConfigError(f'{self.path} {where}: say which model by kind = "..." (known: {known})')
        return ModelChoice(kind=table["kind"], choices={key: v for key, v in table.items() if key != "kind"})

    def _check_choices(
        self, table: Mapping[str, str], kind: str, what: str, choices: Mapping[str, Any], where: str
    ) -> None:
        try:
            found = registry.load(table, kind, what)
        except ConfigError as error:
            raise ConfigError(f"{self.path} {where}: {error}") from None
        place = f"{self.path} {where} of kind {kind!r}"
        try:
            registry.read_config(found.Config, choices, place)
        except ConfigError as error:
            # What a class itself checks is said without the place.
            raise ConfigError(str(error) if place in str(error) else f"{place}: {error}") from None
