# SPDX-License-Identifier: Apache-2.0
"""A bundle: all that answers a request, in one folder.

=========================  =======================================================================
manifest.json              format version, model and choices, fingerprints, SHA-256 of each file
space.json/.safetensors    the feature space
model.safetensors          what the model has learned
item_vectors.safetensors   the catalogue's vectors, for a model that has them
rank.json/.safetensors     the second stage, if there is one: ranker and further sources of candidates
content.safetensors        what encoders made of the catalogue's text, pictures and sound
items, users, events       Parquet: the catalogue, the profiles, and what everyone did so far
reviews, social            Parquet: whose reviews (no texts) and friends count, if they do
aggregates.safetensors     the state of signals after those events, if models see them
golden.json                requests with their answers; one that answers otherwise is not served
card.md                    what it is, for people
=========================  =======================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from penchant import registry
from penchant.artefact import fingerprint, new_folder, sha256, write_json, write_text
from penchant.bundle import current, ranking, verify
from penchant.bundle.card import card
from penchant.bundle.current import CURRENT
from penchant.bundle.manifest import FORMAT, MAGIC, LogMark, Manifest, libraries
from penchant.content.library import Library
from penchant.errors import BundleError, ConfigError
from penchant.features.live import LiveSignals
from penchant.features.space import FeatureSpace, SpaceState
from penchant.recommend.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from penchant.models.recommender import Recommender


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """All that answers a request.

    Attributes:
        manifest: what it says of itself.
        pipeline: the model over the catalogue.
        users: the profiles, one row per user of whom anything is known.
        events: canonical events in log order: what everyone did when the bundle was made.
        aggregates: the state of signals after `events`; None where the feature space has no signals.
    """

    manifest: Manifest
    pipeline: Pipeline
    users: pl.DataFrame
    events: pl.DataFrame
    aggregates: Mapping[str, Tensor] | None = None

    def live(self) -> LiveSignals | None:
        """The signals after the bundle's events, ready to take more; None where the feature space has none."""
        space, catalogue = self.pipeline.space, self.pipeline.catalogue
        if space.signals is None:
            return None
        return LiveSignals.after(space.signals, catalogue, self.events, self.aggregates)

    @property
    def root(self) -> Path | None:
        """The folder that picture paths are relative to, if it is there."""
        root = Path(self.manifest.root) if self.manifest.root else None
        return root if root and root.is_dir() else None


def write_bundle(
    bundles: Path,
    pipeline: Pipeline,
    *,
    name: str,
    kind: str,
    users: pl.DataFrame,
    events: pl.DataFrame,
    metrics: Mapping[str, float] | None = None,
    root: Path | None = None,
    parent: str | None = None,
    learned_from: str = "",
    log: LogMark | None = None,
    make_current: bool = True,
) -> Path:
    """Write a bundle under `bundles` and make it the current one.

    Args:
        bundles: the folder of bundles; the new one is named by time and content.
        pipeline: the fitted model over the catalogue that is to be served.
        name: the data set's.
        kind: the model's row in the table of models.
        users: the profiles.
        events: canonical events that the service shall know of.
        metrics: what the model was measured to do.
        root: the folder that picture paths are relative to.
        parent: the id of the bundle that this one came from.
        learned_from: in words, which events the weights come from.
        log: up to where `events` hold what a service's log holds.
        make_current: whether `CURRENT` shall name it.

    Returns:
        the bundle's folder.
    """
    space, tensors = pipeline.space.state()
    model = {key: t.contiguous() for key, t in pipeline.model.state().items()}
    created = datetime.now(UTC)
    config = msgspec.to_builtins(pipeline.model.config)
    space_print, beside = fingerprint(space), pipeline.space.beside
    tables = (pipeline.catalogue.frame, users, events, *beside.values())
    data_print = fingerprint(*map(_table_print, tables))
    bundle_id = f"{created:%Y%m%d-%H%M%S}-{fingerprint(kind, config, space_print, data_print, str(created))[:8]}"
    with new_folder(bundles / bundle_id) as draft:
        write_json(draft / "space.json", space)
        save_file({key: t.contiguous() for key, t in tensors.items()}, draft / "space.safetensors")
        save_file(model, draft / "model.safetensors")
        if pipeline.item_vectors is not None:
            save_file({"vectors": pipeline.item_vectors.contiguous()}, draft / "item_vectors.safetensors")
        if pipeline.second is not None:
            ranking.save(pipeline.second, draft)
        if content := pipeline.catalogue.items.content:
            save_file(_flat(content), draft / "content.safetensors")
        pipeline.catalogue.frame.write_parquet(draft / "items.parquet")
        users.write_parquet(draft / "users.parquet")
        events.write_parquet(draft / "events.parquet")
        for table, rows in beside.items():
            rows.write_parquet(draft / f"{table}.parquet")
        live = None
        if pipeline.space.signals is not None:
            live = LiveSignals.after(pipeline.space.signals, pipeline.catalogue, events)
            save_file(live.tensors(), draft / "aggregates.safetensors")
        write_json(draft / "golden.json", verify.golden(pipeline, users, events, live))
        manifest = Manifest(
            magic=MAGIC,
            format=FORMAT,
            id=bundle_id,
            name=name,
            kind=kind,
            config=config,
            created=created.isoformat(timespec="seconds"),
            root=str(root.resolve()) if root else None,
            parent=parent,
            counts={"items": len(pipeline.catalogue), "users": users.height, "events": events.height},
            metrics=dict(metrics or {}),
            learned_from=learned_from,
            log=log,
            fingerprints={"data": data_print, "space": space_print, **pipeline.space.content.fingerprints},
            libraries=libraries(),
        )
        write_text(draft / "card.md", card(manifest, pipeline.second))
        files = {path.name: sha256(path) for path in sorted(draft.iterdir())}
        write_json(draft / "manifest.json", msgspec.structs.replace(manifest, files=files))
    if make_current:
        current.point(bundles, bundle_id)
    return bundles / bundle_id


def find(path: Path) -> Path:
    """The folder of one bundle: `path` itself, or the current bundle of the folder of bundles `path`.

    Raises:
        BundleError: there is none.
    """
    if (path / "manifest.json").exists():
        return path
    if not (path / CURRENT).is_file():
        raise BundleError(
            f"{path} holds no bundle (neither manifest.json nor {CURRENT}). Make one: penchant train"
        )
    return path / current.named(path)


def open_bundle(path: Path | str) -> Bundle:
    """Open a bundle (or the current one of a folder of bundles), check it, and let it answer its golden requests.

    Raises:
        BundleError: it is damaged, foreign, of a newer format, or answers otherwise than when it was made.
    """
    folder = find(Path(path))
    manifest = verify.manifest(folder)
    verify.files(folder, manifest)
    try:
        saved = msgspec.json.decode((folder / "space.json").read_bytes(), type=SpaceState)
        root = Path(manifest.root) if manifest.root else None
        library = Library(root if root and root.is_dir() else None)
        beside = {name: pl.read_parquet(folder / f"{name}.parquet") for name in _beside(saved, manifest)}
        space = FeatureSpace.load(saved, load_file(folder / "space.safetensors"), library, beside)
        found = registry.load(registry.MODELS, manifest.kind, "model")
        model: Recommender = found(
            registry.read_config(found.Config, manifest.config, str(folder / "manifest.json")), space.sizes
        )
        model.load_state(load_file(folder / "model.safetensors"))
        tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("items", "users", "events")}
        catalogue = space.catalogue(tables["items"], _content(folder, manifest))
        second = ranking.load(folder, manifest, space, catalogue)
        pipeline = Pipeline(model, space, catalogue, _vectors(folder, manifest), second=second)
        bundle = Bundle(
            manifest=manifest,
            pipeline=pipeline,
            users=tables["users"],
            events=tables["events"],
            aggregates=_tensors(folder, manifest, "aggregates.safetensors"),
        )
        expected = (folder / "golden.json").read_bytes()
        verify.answers(folder, bundle.pipeline, bundle.users, bundle.events, expected, bundle.live())
    except _UNREADABLE as error:
        raise BundleError(f"{folder}: this bundle cannot be opened: {error}") from error
    return bundle


_UNREADABLE = (
    ConfigError,
    KeyError,
    IndexError,
    OSError,
    RuntimeError,
    SafetensorError,
    TypeError,
    ValueError,
    msgspec.MsgspecError,
    pl.exceptions.PolarsError,
)
"""What a library raises when files with right checksums do not fit together: another program wrote them."""


def _vectors(folder: Path, manifest: Manifest) -> Tensor | None:
    found = _tensors(folder, manifest, "item_vectors.safetensors")
    return found["vectors"] if found is not None else None


def _tensors(folder: Path, manifest: Manifest, name: str) -> dict[str, Tensor] | None:
    """What a file holds if the manifest lists it: one that it does not list is not trusted."""
    return load_file(folder / name) if name in manifest.files else None


def _beside(saved: SpaceState, manifest: Manifest) -> list[str]:
    """Tables that signals look at beside the events, of those that the manifest lists."""
    wanted = saved.signals.beside.tables if saved.signals else ()
    return [name for name in wanted if f"{name}.parquet" in manifest.files]


def _flat(content: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Content of a catalogue as named tensors."""
    parts = {f"{name}/values": values.contiguous() for name, (values, _) in content.items()}
    return parts | {f"{name}/present": present.contiguous() for name, (_, present) in content.items()}


def _content(folder: Path, manifest: Manifest) -> dict[str, tuple[Tensor, Tensor]] | None:
    """What was encoded when the bundle was made: pictures need not be there, nor what encoded them."""
    name = "content.safetensors"
    if name not in manifest.files:
        return None
    parts = load_file(folder / name)
    columns = [key.removesuffix("/values") for key in parts if key.endswith("/values")]
    return {column: (parts[f"{column}/values"], parts[f"{column}/present"]) for column in columns}


def _table_print(table: pl.DataFrame) -> str:
    """A hash of a table's content; rows in another order are another table."""
    rows = table.hash_rows(seed=0)
    return fingerprint(table.columns, rows.to_numpy().tobytes())
