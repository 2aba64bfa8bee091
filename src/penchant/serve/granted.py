# SPDX-License-Identifier: Apache-2.0
"""Wishes made ready for the running catalogue, and kept: pages ask for the same few again and again."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from penchant.recommend.wishes import Ready, Wishes
from penchant.serve.checks import check_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.features.catalogue import Catalogue
    from penchant.schema import Schema
    from penchant.serve.wire import Id

_CELLS = 2**25
"""Items of all wishes that are kept, together: some 200 MB where each has a filter, a boost and a cap."""
_MOST = 256

_ENCODE = msgspec.json.Encoder(order="deterministic").encode
_NAMES = Wishes.__struct_fields__


class Granted:
    """The wishes that one catalogue was asked for.

    Args:
        catalogue: the items.
        schema: what their columns are.
    """

    def __init__(self, catalogue: Catalogue, schema: Schema) -> None:
        self._catalogue = catalogue
        self._schema = schema
        self._kept = lru_cache(maxsize=max(1, min(_MOST, _CELLS // max(len(catalogue), 1))))(self._make)

    def ready(self, wishes: Wishes, now: int) -> Ready | None:
        """`wishes` over the catalogue; None where nothing is wished.

        Args:
            wishes: as they came; ids may be written as an address would carry them.
            now: microseconds since 1970.

        Raises:
            FieldError, WishError: name what cannot be.
        """
        said = {name: getattr(wishes, name) for name in _NAMES}
        plain = Wishes(**said)
        if plain == Wishes():
            return None
        key = _ENCODE(plain)
        # What is fresh is so at a moment; nothing else depends on when it is asked.
        return self._make(key, now) if plain.fresh else self._kept(key, 0)

    def _make(self, key: bytes, now: int) -> Ready:
        said = msgspec.json.decode(key, type=Wishes)
        said = structs.replace(
            said,
            allow=None if said.allow is None else self._ids(said.allow, "allow"),
            block=self._ids(said.block, "block"),
            pins=[
                structs.replace(pin, item_id=check_id(pin.item_id, self._schema.item_id, f"pins[{at}].item_id"))
                for at, pin in enumerate(said.pins)
            ],
        )
        return said.of(self._catalogue, self._schema.items, now)

    def _ids(self, ids: Sequence[Id], field: str) -> list[Id]:
        kind = self._schema.item_id
        return [check_id(one, kind, f"{field}[{at}]") for at, one in enumerate(ids)]
