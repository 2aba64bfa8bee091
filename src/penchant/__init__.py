# SPDX-License-Identifier: Apache-2.0
"""Penchant learns what each person leans toward, and answers at once.

The job from Python, step by step: `RunConfig.load`, `ingest`, `fit`, `evaluate_models`, `make_bundle`; or all of
it by `train_models`. Then `open_bundle` and `recommend_items`, or `serve_bundle`. A bare word such as
`penchant.evaluate` is a folder of the house, so a step of the same name says what it works on.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "AsyncClient": "penchant.client.client:AsyncClient",
    "Client": "penchant.client.client:Client",
    "HistoryEvent": "penchant.serve.wire:HistoryEvent",
    "NewEvent": "penchant.serve.wire:NewEvent",
    "NewItem": "penchant.serve.wire:NewItem",
    "PenchantError": "penchant.errors:PenchantError",
    "RunConfig": "penchant.config:RunConfig",
    "ServeConfig": "penchant.serve.run:ServeConfig",
    "ServiceError": "penchant.client.calls:ServiceError",
    "ShopConfig": "penchant.simulate.config:ShopConfig",
    "Truth": "penchant.simulate.truth:Truth",
    "evaluate_models": "penchant.recipe:evaluate_models",
    "fit": "penchant.recipe:fit",
    "ingest": "penchant.recipe:ingest",
    "make_bundle": "penchant.recipe:make_bundle",
    "open_bundle": "penchant.bundle.bundle:open_bundle",
    "recommend_items": "penchant.bundle.offline:recommend_items",
    "serve_bundle": "penchant.serve.run:run",
    "simulate_shop": "penchant.simulate.shop:simulate_shop",
    "train_models": "penchant.recipe:train",
    "tune_model": "penchant.tune.study:tune",
}
"""Public name -> where it lies. Nothing is imported before it is asked for; `__init__.pyi` tells type checkers."""

__all__ = [*_PUBLIC, "__version__"]  # noqa: PLE0604 - the names above, all of them strings


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'penchant' has no attribute {name!r}")
    module, found = _PUBLIC[name].split(":")
    return getattr(importlib.import_module(module), found)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
