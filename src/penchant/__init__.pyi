# SPDX-License-Identifier: Apache-2.0
from penchant.bundle.bundle import open_bundle as open_bundle
from penchant.bundle.offline import recommend_items as recommend_items
from penchant.client.calls import ServiceError as ServiceError
from penchant.client.client import AsyncClient as AsyncClient
from penchant.client.client import Client as Client
from penchant.config import RunConfig as RunConfig
from penchant.errors import PenchantError as PenchantError
from penchant.recipe import evaluate_models as evaluate_models
from penchant.recipe import fit as fit
from penchant.recipe import ingest as ingest
from penchant.recipe import make_bundle as make_bundle
from penchant.recipe import train as train_models
from penchant.serve.run import ServeConfig as ServeConfig
from penchant.serve.run import run as serve_bundle
from penchant.serve.wire import HistoryEvent as HistoryEvent
from penchant.serve.wire import NewEvent as NewEvent
from penchant.serve.wire import NewItem as NewItem
from penchant.simulate.config import ShopConfig as ShopConfig
from penchant.simulate.shop import simulate_shop as simulate_shop
from penchant.simulate.truth import Truth as Truth
from penchant.tune.study import tune as tune_model

__all__ = [
    "AsyncClient",
    "Client",
    "HistoryEvent",
    "NewEvent",
    "NewItem",
    "PenchantError",
    "RunConfig",
    "ServeConfig",
    "ServiceError",
    "ShopConfig",
    "Truth",
    "__version__",
    "evaluate_models",
    "fit",
    "ingest",
    "make_bundle",
    "open_bundle",
    "recommend_items",
    "serve_bundle",
    "simulate_shop",
    "train_models",
    "tune_model",
]

__version__: str
