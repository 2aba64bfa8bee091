# SPDX-License-Identifier: Apache-2.0
"""The second stage in a bundle: `rank.json` and `rank.safetensors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from safetensors.torch import load_file, save_file

from penchant import registry
from penchant.artefact import write_json
from penchant.rank.config import RankConfig
from penchant.rank.ranker import Ranker
from penchant.rank.reading import Reading  # noqa: TC001 - msgspec reads annotations
from penchant.recommend.pipeline import Pipeline
from penchant.recommend.ranking import SecondStage, Source

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from penchant.bundle.manifest import Manifest
    from penchant.features.catalogue import Catalogue
    from penchant.features.space import FeatureSpace
    from penchant.models.recommender import Recommender

STATE, TENSORS = "rank.json", "rank.safetensors"


class RankState(msgspec.Struct, frozen=True, kw_only=True):
    """The file `rank.json`."""

    config: dict[str, Any]
    """The run file's `[rank]`."""
    positions: int
    """The last place of a list that training knew of."""
    readings: tuple[Reading, ...]
    measured: dict[str, dict[str, float]] = {}


def save(second: SecondStage, draft: Path) -> None:
    """Write the second stage into the folder of a bundle that is being made."""
    state = RankState(
        config=msgspec.to_builtins(second.config),
        positions=second.ranker.positions,
        readings=second.readings,
        measured={name: dict(found) for name, found in second.measured.items()},
    )
    write_json(draft / STATE, state)
    states = {"ranker": second.ranker.state()}
    states |= {f"source{place}": one.pipeline.model.state() for place, one in enumerate(second.sources)}
    tensors = {f"{part}/{name}": t.contiguous() for part, state in states.items() for name, t in state.items()}
    save_file(tensors, draft / TENSORS)


def load(folder: Path, manifest: Manifest, space: FeatureSpace, catalogue: Catalogue) -> SecondStage | None:
    """The second stage of a bundle, if its manifest lists one.

    Raises:
        ConfigError, msgspec.MsgspecError, KeyError, RuntimeError: the files do not fit together.
    """
    if STATE not in manifest.files or TENSORS not in manifest.files:
        return None
    state = msgspec.json.decode((folder / STATE).read_bytes(), type=RankState)
    config = registry.read_config(RankConfig, state.config, str(folder / STATE))
    if len(state.readings) != len(config.foretold):
        raise ValueError(f"{STATE} reads {len(state.readings)} tasks of {len(config.foretold)}")
    tensors = load_file(folder / TENSORS)
    ranker = Ranker(config, space.sizes, 1 + len(config.sources), state.positions)
    ranker.load_state(_part(tensors, "ranker"))
    sources = []
    for place, source in enumerate(config.sources):
        found = registry.load(registry.MODELS, source.kind, "model")
        model: Recommender = found(registry.read_config(found.Config, source.settings, STATE), space.sizes)
        model.load_state(_part(tensors, f"source{place}"))
        sources.append(Source(Pipeline(model, space, catalogue), source.kind, source.count, source.new))
    return SecondStage(
        config=config,
        ranker=ranker,
        readings=state.readings,
        sources=tuple(sources),
        catalogue=catalogue,
        measured=state.measured,
    )


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    start = f"{name}/"
    return {key.removeprefix(start): tensor for key, tensor in tensors.items() if key.startswith(start)}
