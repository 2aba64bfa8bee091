# SPDX-License-Identifier: Apache-2.0
"""The best settings as a run file: the user's own text with some values changed, and above it what chose them."""

from __future__ import annotations

import re
import tomllib
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from penchant.config import RunConfig
from penchant.data.sources.runfile import to_toml
from penchant.errors import ConfigError
from penchant.train.trainer import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from penchant.tune.space import Key
    from penchant.tune.trials import StudyState, Trial

_MARK = "# Chosen by penchant tune"
_PATHS = ("path", "train", "validation", "test", "validation_given", "test_given")
_HEADER = re.compile(r"^\s*\[\s*([\w.-]+)\s*\]\s*(#.*)?$")
_OTHER = re.compile(r"^\s*\[")
_LINE = re.compile(r"^(\s*)([\w-]+)(\s*=\s*)(.*?)(\s*#.*)?$")


def target(run: RunConfig, out: Path | None) -> Path:
    """Where the run file goes.

    Raises:
        ConfigError: a file lies there that was not written by tuning.
    """
    place = out or run.path.with_name(f"{run.path.stem}.best.toml")
    if place.exists() and not place.read_text(encoding="utf-8", errors="replace").startswith(_MARK):
        raise ConfigError(f"{place} is there already and was not written by penchant tune; name another by --out")
    return place


def render(
    run: RunConfig,
    keys: Mapping[str, Key],
    state: StudyState,
    trials: Sequence[Trial],
    best: Trial,
    folder: Path,
    place: Path,
) -> str:
    """The text of the best run file.

    Args:
        run: the run file, with the model that was tuned.
        keys: what was tuned.
        state: the study.
        trials: all of them.
        best: whose settings it gets.
        folder: the study's, named in the comment.
        place: where the file will lie; paths are made absolute if that is not beside the run file.
    """
    wanted: dict[str, Any] = deepcopy(dict(run.tables))
    changes: dict[str, dict[str, Any]] = {"model": {}, "train": {}}
    for name, value in best.values.items():
        if value is not None and value != keys[name].default:
            changes[keys[name].table][name] = value
    if state.metric != run.read(TrainConfig, "train").metric:
        changes["train"]["metric"] = state.metric
    wanted["model"] = {"kind": run.model.kind, **run.model.choices}
    written = tomllib.loads(run.text).get("model", {}).get("kind")
    if written != run.model.kind:
        changes["model"] = {"kind": run.model.kind, **run.model.choices, **changes["model"]}
    for table, values in changes.items():
        if values:
            wanted[table] = {**wanted.get(table, {}), **values}
    comment = _comment(run, keys, state, trials, best, folder)
    if place.resolve().parent != run.base.resolve():
        wanted["data"] = _absolute(wanted["data"], run.base)
        text = to_toml(wanted)
    else:
        text = _edited(run.text, changes, wanted["model"])
        if not _says(text, wanted):  # the file is written in a way that line by line does not see
            text = to_toml(wanted)
    text = "".join(f"# {line}".rstrip() + "\n" for line in comment) + "\n" + _without_mark(text)
    RunConfig.parse(text, place)
    return text


def _comment(
    run: RunConfig,
    keys: Mapping[str, Key],
    state: StudyState,
    trials: Sequence[Trial],
    best: Trial,
    folder: Path,
) -> list[str]:
    first = trials[0].score
    own = "came to no result" if first is None else f"reached {first:.4f}"
    ends = {one: sum(trial.state == one for trial in trials) for one in ("pruned", "stopped", "failed")}
    fewer = ", ".join(f"{count} {one}" for one, count in ends.items() if count)
    spent = sum(trial.seconds for trial in trials)
    chosen = "the settings of the file itself" if best.number == 0 else f"trial {best.number}"
    count = f"{len(trials)} trials{f' ({fewer})' if fewer else ''} in {spent:,.0f} s"
    return [
        f"{_MARK.removeprefix('# ')} on {datetime.now(UTC):%Y-%m-%d} out of {count}: {chosen}.",
        f"{state.metric} on the validation part: {best.score or 0.0:.4f}; {run.path.name} as it was {own}.",
        "Chosen by this very number, which so flatters it. The test part was not read: penchant train asks it.",
        f"Study: {folder} (seed {state.seed}). Searched:",
        *(f"  {name}: {key.words()}" for name, key in keys.items()),
    ]


def _edited(text: str, changes: Mapping[str, Mapping[str, Any]], model: Mapping[str, Any]) -> str:
    """The text with values changed line by line, each with what it was; a key that the model lacks is silenced."""
    left = {table: dict(values) for table, values in changes.items()}
    lines: list[str] = []
    heads: dict[str, int] = {}
    table = ""
    for line in text.splitlines():
        head = _HEADER.match(line)
        if head or _OTHER.match(line):
            table = head[1] if head else ""
        entry = None if head else _LINE.match(line)
        if entry and table == "model" and entry[2] not in model:
            line = f"# {line}"  # noqa: PLW2901
        elif entry and entry[2] in left.get(table, {}):
            space, key, equals, old, _ = entry.groups()
            line = f"{space}{key}{equals}{_value(left[table].pop(key))}  # was {old}"  # noqa: PLW2901
        lines.append(line)
        if table in left and (head or (entry and entry[2] == "kind")):
            heads[table] = len(lines)
    for name, values in sorted(left.items(), key=lambda one: -heads.get(one[0], 0)):
        added = [f"{key} = {_value(value)}" for key, value in values.items()]
        if not added:
            continue
        if name in heads:
            lines[heads[name] : heads[name]] = added
        else:
            lines += ["", f"[{name}]", *added]
    return "\n".join(lines) + "\n"


def _says(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _value(value: Any) -> str:
    """JSON's text, numbers and lists are TOML's."""
    return msgspec.json.encode(value).decode()


def _without_mark(text: str) -> str:
    """The text without the comment of an earlier tuning."""
    if not text.startswith(_MARK):
        return text
    lines = text.splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[end:]).lstrip("\n")


def _absolute(data: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """`[data]` with the paths of its tables made absolute."""
    moved = deepcopy(dict(data))
    for table in moved.values():
        for key in _PATHS if isinstance(table, dict) else ():
            files = table.get(key)
            if isinstance(files, str):
                table[key] = str((base / files).resolve())
            elif isinstance(files, list):
                table[key] = [str((base / one).resolve()) for one in files]
    return moved
