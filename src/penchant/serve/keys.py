# SPDX-License-Identifier: Apache-2.0
"""Keys of the API: who may do what. A file holds their hashes; a key itself is shown once, when it is made."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import tomllib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec

from penchant import registry
from penchant.artefact import write_text
from penchant.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
_PREFIX = "pen_"
_BYTES = 32


class Scope(StrEnum):
    """What a key is good for."""

    READ = "read"
    """Ask for recommendations, and for what is known of users and items; numbers for Prometheus."""
    EVENTS = "events"
    """Say what people did."""
    ADMIN = "admin"
    """Everything: also items, and the page for people."""


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key, without what would let somebody use it."""

    name: str
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    """Of the whole key. It is 256 random bits, which no slow hash could make harder to guess."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    keys: list[Key] = []


class Keys:
    """The keys of a service.

    Args:
        keys: at least one.
    """

    def __init__(self, keys: Collection[Key]) -> None:
        self._keys = [(bytes.fromhex(key.sha256), key) for key in keys]

    @classmethod
    def load(cls, path: Path) -> Keys:
        """The keys in a file.

        Raises:
            ConfigError: it cannot be read, or holds none.
        """
        keys = read(path)
        if not keys:
            raise ConfigError(f"{path} holds no keys: make one with penchant keys new NAME --file {path}")
        return cls(keys)

    def find(self, headers: Mapping[bytes, bytes]) -> Key | None:
        """Whose key a request brings: as a bearer token, in `X-API-Key`, or as the password of a browser's login.

        Args:
            headers: by name in small letters.
        """
        secret = _brought(headers)
        if secret is None:
            return None
        given = hashlib.sha256(secret).digest()
        # Every key is compared, each in constant time: how long it takes tells nothing of any.
        found = [key for known, key in self._keys if hmac.compare_digest(known, given)]
        return found[0] if found else None


def read(path: Path) -> list[Key]:
    """The keys that a file holds.

    Raises:
        ConfigError: there is no such file, or it is none of keys.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: the keys cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: this is no file of keys: {error}") from None
    return registry.read_config(_File, table, str(path)).keys


def make(path: Path, name: str, scopes: Collection[Scope]) -> str:
    """Make a key and add it to a file, which is made if it is not there, for its owner's eyes only.

    Returns:
        the key, which is kept nowhere.

    Raises:
        ConfigError: the name is taken or no plain name.
    """
    known = read(path) if path.exists() else []
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name for a key: letters, digits, dots, dashes and underscores")
    if any(key.name == name for key in known):
        raise ConfigError(f"{path} has a key {name!r} already: drop it first, or choose another name")
    secret = _PREFIX + secrets.token_urlsafe(_BYTES)
    key = Key(name=name, scopes=tuple(scopes), sha256=hashlib.sha256(secret.encode()).hexdigest())
    _write(path, [*known, key])
    return secret


def drop(path: Path, name: str) -> None:
    """Take a key out of a file.

    Raises:
        ConfigError: it is not there.
    """
    known = read(path)
    left = [key for key in known if key.name != name]
    if len(left) == len(known):
        names = ", ".join(key.name for key in known) or "none"
        raise ConfigError(f"{path} has no key {name!r} (it has: {names})")
    _write(path, left)


def _write(path: Path, keys: Collection[Key]) -> None:
    rows = ["# Keys of the API, by penchant keys. What stands here lets nobody in.\n"]
    for key in keys:
        scopes = ", ".join(f'"{scope}"' for scope in key.scopes)
        rows.append(f'[[keys]]\nname = "{key.name}"\nscopes = [{scopes}]\nsha256 = "{key.sha256}"\n')
    write_text(path, "\n".join(rows))
    path.chmod(0o600)


def _brought(headers: Mapping[bytes, bytes]) -> bytes | None:
    if plain := headers.get(b"x-api-key"):
        return plain.strip()
    kind, _, rest = headers.get(b"authorization", b"").strip().partition(b" ")
    if kind.lower() == b"bearer":
        return rest.strip()
    if kind.lower() == b"basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return None
    return None
