# SPDX-License-Identifier: Apache-2.0
"""The run file's `[content]`: how content is read, and which encoder turns it into vectors."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from penchant import registry
from penchant.errors import ConfigError
from penchant.schema import Kind

DEFAULTS: dict[Kind, str | None] = {
    Kind.TEXT: "tfidf",
    Kind.VECTOR: "ready",
    Kind.IMAGE: None,
    Kind.AUDIO: None,
}
"""Which encoder reads a kind of content when the run file does not say; None: it is shown, not learned from."""


class ContentConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[content]`."""

    fetch: bool = False
    """Whether pictures and sound that are given by address are fetched."""
    private: bool = False
    """Whether addresses of private networks and of this machine may be fetched from."""
    max_bytes: Annotated[int, msgspec.Meta(ge=1)] = 20_000_000
    """A larger file counts as absent."""
    max_fetches: Annotated[int, msgspec.Meta(ge=0)] = 100_000
    """How many addresses are fetched in one run; the rest counts as absent."""
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """Seconds that one address may take."""
    text: dict[str, Any] = {}
    """`kind` of the encoder of text, and its choices."""
    image: dict[str, Any] = {}
    audio: dict[str, Any] = {}
    vector: dict[str, Any] = {}
    columns: dict[str, dict[str, Any]] = {}
    """The same for single columns, by name."""

    def __post_init__(self) -> None:
        """Read the choices of every encoder that is named, before any work begins.

        Raises:
            ConfigError: names the unknown encoder or key, and the nearest known one.
        """
        for kind in DEFAULTS:
            if getattr(self, kind):
                chosen, table, where = self.choices("", kind)
                encoder_config(str(chosen), table, where, kind)
        for name, table in self.columns.items():
            if "kind" in table:
                chosen, rest, where = self.choices(name, Kind.TEXT)
                encoder_config(str(chosen), rest, where)

    def choices(self, name: str, kind: Kind) -> tuple[str | None, dict[str, Any], str]:
        """(encoder, its choices, where they are written) of the column `name` of kind `kind`."""
        where = f"[content.columns.{name}]" if name in self.columns else f"[content.{kind}]"
        table = dict(self.columns.get(name) or getattr(self, kind))
        chosen = table.pop("kind", None)
        if chosen is None:
            chosen = DEFAULTS[kind]
            if chosen is None and table:
                raise ConfigError(f'{where}: say which encoder by kind = "..." (known: {", ".join(known(kind))})')
        if chosen is not None and not isinstance(chosen, str):
            raise ConfigError(f"{where}: kind must be the name of an encoder (known: {', '.join(known(kind))})")
        return chosen, table, where


def known(kind: Kind) -> list[str]:
    """The encoders that read a kind of column."""
    classes = {name: registry.load(registry.ENCODERS, name, "encoder") for name in registry.ENCODERS}
    return sorted(name for name, found in classes.items() if found.reads is kind)


def encoder_config(
    name: str, choices: dict[str, Any], where: str, kind: Kind | None = None
) -> tuple[type[Any], msgspec.Struct]:
    """(class, configuration) of an encoder.

    Raises:
        ConfigError: there is no such encoder or key, or it does not read columns of this kind.
    """
    try:
        found = registry.load(registry.ENCODERS, name, "encoder")
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    if kind is not None and found.reads is not kind:
        raise ConfigError(
            f"{where}: the encoder {name!r} reads {found.reads}, not {kind} (known: {', '.join(known(kind))})"
        )
    return found, registry.read_config(found.Config, choices, f"{where} of kind {name!r}")
