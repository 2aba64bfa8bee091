# SPDX-License-Identifier: Apache-2.0
"""What is tuned: keys of the model, and of `[train]` where it learns by steps, each with the range to look in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from penchant import registry
from penchant.errors import ConfigError, nearest
from penchant.models.recommender import Learned, Range
from penchant.train.trainer import SPACE, TrainConfig
from penchant.tune.config import TuneConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.config import RunConfig

Value = bool | int | float | str | None

LEFT_ALONE = {"checkpoint_every", "epochs", "metric", "patience", "precision", "seed", "validate_every"}
"""Keys that are never tuned: they say how long and by what is judged, or are mere luck."""

_DIGITS = 4
"""Significant digits of a number that is tried: more say nothing, and a run file is read by people."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key that is tuned."""

    name: str
    table: str
    """"model" or "train"."""
    where: Range
    whole: bool
    """Whether numbers between the ends are whole."""
    default: Value
    """What the run file says, or the class that reads it."""

    def tidy(self, value: Value) -> Value:
        """A number with few digits, within the ends."""
        if self.whole or isinstance(value, bool | str) or value is None or self.where.choices:
            return value
        low, high = float(self.where.low or 0.0), float(self.where.high or 0.0)
        return min(max(float(f"{value:.{_DIGITS}g}"), low), high)

    def holds(self, value: Value) -> bool:
        """Whether a value lies in the range."""
        if self.where.choices:
            return value in self.where.choices
        low, high = self.where.low, self.where.high
        return isinstance(value, int | float) and low is not None and high is not None and low <= value <= high

    def words(self) -> str:
        """The range, for people."""
        if self.where.choices:
            return ", ".join(map(say, self.where.choices))
        return f"{self.where.low:g} to {self.where.high:g}" + (
            ", by orders of magnitude" if self.where.log else ""
        )


def say(value: Value) -> str:
    """A value as a run file has it, numbers short."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def keys(run: RunConfig, *, own: bool = True) -> dict[str, Key]:
    """What is tuned of a run's model: its `space`, the training's, and what `[tune.space]` changes of them.

    Args:
        run: the run file.
        own: whether its `[tune.space]` is about this model.

    Raises:
        ConfigError: `[tune.space]` names a key that there is not, or a range that the key cannot take; or
            nothing is left to tune.
    """
    model = registry.load(registry.MODELS, run.model.kind, "model")
    tables: dict[str, type[msgspec.Struct]] = {"model": model.Config}
    wanted: dict[str, Any] = dict(model.space)
    if issubclass(model, Learned):
        tables["train"] = TrainConfig
        wanted |= {key: where for key, where in SPACE.items() if key not in wanted}
    written = run.read(TuneConfig, "tune").space if own else {}
    fields = {
        field.encode_name: (table, field)
        for table in reversed(tables)  # a key of both is the model's
        for field in msgspec.structs.fields(tables[table])
        if field.encode_name not in LEFT_ALONE
    }
    found = {}
    for name in dict.fromkeys([*wanted, *written]):
        place = f"{run.path} [tune.space] {name}"
        asked = written.get(name, wanted.get(name))
        if name not in fields:
            raise ConfigError(_unknown(place, name, run.model.kind, fields))
        if asked is False:
            continue
        if not isinstance(asked, Range | dict):
            raise ConfigError(
                f"{place}: write {{ low = 1, high = 10 }}, {{ choices = [1, 2] }}, or false to leave it as it is"
            )
        where = asked if isinstance(asked, Range) else registry.read_config(Range, asked, place)
        table, field = fields[name]
        whole = _is_whole(tables[table], name)
        default = run.tables.get(table, {}).get(name, field.default)
        _check(tables[table], name, where, place, whole=whole)
        found[name] = Key(name=name, table=table, where=where, whole=whole, default=default)
    if not found:
        raise ConfigError(
            f"{run.path}: there is nothing to tune of the model {run.model.kind!r}; name keys of its own in "
            "[tune.space], such as key = { low = 1, high = 10 }"
        )
    return found


def _unknown(place: str, name: str, kind: str, fields: Mapping[str, object]) -> str:
    if name in LEFT_ALONE:
        return f"{place}: this key is not tuned; set it in its own table"
    return f"{place}: neither the model {kind!r} nor [train] has such a key to tune{nearest(name, fields)}"


def _check(cls: type[msgspec.Struct], name: str, where: Range, place: str, *, whole: bool) -> None:
    """See that the class that reads the key takes both ends, or each choice."""
    for end in where.choices or (where.low, where.high):
        # 16.0 is how a range holds the 16 of a key for whole numbers.
        value = int(end) if whole and isinstance(end, float) and end.is_integer() else end
        try:
            msgspec.convert({name: value}, cls)
        except msgspec.ValidationError as error:
            reason = str(error).split(" - at `$", maxsplit=1)[0]
            raise ConfigError(f"{place}: {say(end)} is not possible: {reason}") from None


def _is_whole(cls: type[msgspec.Struct], name: str) -> bool:
    """Whether a key takes whole numbers only."""
    found = msgspec.inspect.type_info(cls)
    assert isinstance(found, msgspec.inspect.StructType)
    kind = next(field.type for field in found.fields if field.encode_name == name)
    kinds = kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)
    return any(isinstance(one, msgspec.inspect.IntType) for one in kinds) and not any(
        isinstance(one, msgspec.inspect.FloatType) for one in kinds
    )
