# SPDX-License-Identifier: Apache-2.0
"""The table of what can be named in a run file, and the strict reading of a configuration table.

An explicit table beats import-time decorators: nothing is imported until it is named, and a manifest can
name only what stands here, never a dotted path of its own.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from penchant.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

MODELS: dict[str, str] = {
    "popularity": "penchant.models.popularity:Popularity",
    "item_knn": "penchant.models.item_knn:ItemKNN",
    "ease": "penchant.models.ease:EASE",
    "block_ease": "penchant.models.block_ease:BlockEASE",
    "rp3beta": "penchant.models.rp3beta:RP3Beta",
    "user_knn": "penchant.models.user_knn:UserKNN",
    "content_knn": "penchant.models.content_knn:ContentKNN",
    "bpr": "penchant.models.bpr:BPR",
    "ials": "penchant.models.ials:IALS",
    "lightgcn": "penchant.models.lightgcn:LightGCN",
    "multvae": "penchant.models.multvae:MultVAE",
    "neumf": "penchant.models.neumf:NeuMF",
    "sasrec": "penchant.models.sasrec:SASRec",
    "hstu": "penchant.models.hstu:HSTU",
    "two_tower": "penchant.models.two_tower:TwoTower",
    "blend": "penchant.models.blend:Blend",
    "hybrid": "penchant.models.hybrid:Hybrid",
}

ENCODERS: dict[str, str] = {
    "tfidf": "penchant.content.text:TfidfEncoder",
    "tokens": "penchant.content.trainable:TokensEncoder",
    "e5": "penchant.content.sentence:E5Encoder",
    "wordllama": "penchant.content.sentence:WordLlamaEncoder",
    "sentence": "penchant.content.sentence:SentenceEncoder",
    "histogram": "penchant.content.image:HistogramEncoder",
    "pixels": "penchant.content.trainable:PixelsEncoder",
    "efficientnet": "penchant.content.cnn:EfficientNetEncoder",
    "timm": "penchant.content.hub:TimmEncoder",
    "torchvision": "penchant.content.hub:TorchvisionEncoder",
    "clip": "penchant.content.hub:ClipEncoder",
    "logmel": "penchant.content.audio:LogMelEncoder",
    "spectrogram": "penchant.content.trainable:SpectrogramEncoder",
    "hub_sound": "penchant.content.hub:HubSoundEncoder",
    "ready": "penchant.content.vector:ReadyEncoder",
}

T = TypeVar("T", bound=msgspec.Struct)


def load(table: Mapping[str, str], kind: str, what: str) -> type[Any]:
    """The class that `kind` names in `table`; `what` (for example "model") is for the error message."""
    if kind not in table:
        raise ConfigError(f"There is no {what} {kind!r}{nearest(kind, table)}")
    module, name = table[kind].split(":")
    found: type[Any] = getattr(importlib.import_module(module), name)
    return found


def read_config(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """`table` as an instance of the msgspec struct `cls`.

    Args:
        cls: a frozen, keyword-only struct that forbids unknown fields.
        table: what the TOML or JSON parser returned.
        where: the table's name, for messages: "run.toml [train]".

    Raises:
        ConfigError: names the key, and the nearest known one if the key is unknown.
    """
    try:
        return msgspec.convert(table, cls)
    except msgspec.ValidationError as error:
        text = str(error)
        path = (re.search(r" - at `\$\.?(.*)`$", text) or ("", ""))[1]
        reason = text.split(" - at `$", maxsplit=1)[0]
        unknown = re.search(r"unknown field `(.*?)`", reason)
        if unknown:
            raise ConfigError(_unknown_key(cls, unknown[1], path, where)) from None
        raise ConfigError(f"{where}: {path or 'table'}: {reason}") from None


def _unknown_key(cls: type[msgspec.Struct], key: str, path: str, where: str) -> str:
    owner: Any = cls
    for part in filter(None, re.split(r"\.|\[[^\]]*\]", path)):
        owner = _struct_in({f.name: f.type for f in msgspec.structs.fields(owner)}.get(part)) or owner
    known = [f.encode_name for f in msgspec.structs.fields(owner)]
    place = f"{where} [{path}]" if path else where
    return f"{place}: unknown key {key!r}{nearest(key, known)}"


def _struct_in(annotation: Any) -> type[msgspec.Struct] | None:
    """The struct class inside an annotation such as `X | None` or `dict[str, X]`."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _struct_in(argument)
        if found:
            return found
    return None
