# SPDX-License-Identifier: Apache-2.0
"""How good are lists of items that nobody has had yet, and what does each kind of content bring?

    python benchmarks/cold_items.py
    python benchmarks/cold_items.py --run benchmarks/cold-items-hybrid.toml --draws 0 1 2
    python benchmarks/cold_items.py --artefacts artefacts --seed 1

The models of the run file learn from train, and validation (other held-out items) says when to stop. Then they
are asked on the test part, whole, and again where the new items lack one kind of content, or all but one.
Histories stay whole: it is new items that come with nothing but a picture. Each row comes with its standard error
over users; that the items were drawn, too, is not in it, and moves the numbers far more: ask about several draws.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from penchant import recipe
from penchant.config import RunConfig
from penchant.evaluate import metrics
from penchant.evaluate.protocol import EvaluateConfig, Question, cut
from penchant.features.catalogue import Catalogue
from penchant.recommend.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Collection

    from penchant.batch import Items
    from penchant.recipe import Data, Fitted

HERE = Path(__file__).parent
DRAWS = 20
"""Random lists of each user, whose mean is the row of chance."""


def question(run: RunConfig, data: Data, one: Fitted, part: str) -> Question:
    space, catalogue = one.pipeline.space, one.pipeline.catalogue
    config = run.read(EvaluateConfig, "evaluate")
    return Question.prepare(space, catalogue, cut(data.split, part), data.dataset.users, config=config)


def lacking(items: Items, rows: torch.Tensor, columns: Collection[str]) -> Items:
    """The items, those at `rows` without the named columns: as they would be encoded if the table lacked them."""
    gone = torch.zeros(len(items), dtype=torch.bool)
    gone[rows] = True

    def empty(values: torch.Tensor) -> torch.Tensor:
        return values.masked_fill(gone.reshape(-1, *[1] * (values.dim() - 1)), 0)

    return replace(
        items,
        features={name: empty(v) if name in columns else v for name, v in items.features.items()},
        content={
            name: (empty(raw), present & ~gone) if name in columns else (raw, present)
            for name, (raw, present) in items.content.items()
        },
    )


def row(name: str, asked: Question, pipeline: Pipeline) -> float:
    """Print a row; its NDCG@10."""
    found = asked.ask(pipeline)
    values = found.per_user["ndcg@10"]
    error = values.std() / len(values) ** 0.5
    print(f"| {name} | {values.mean():.4f} | {error:.4f} | {found.per_user['recall@10'].mean():.4f} |", flush=True)
    return float(values.mean())


def chance(asked: Question) -> float:
    """The row of lists drawn at random; its NDCG@10."""
    random = np.random.default_rng(0)
    k = min(max(asked.ks), len(asked.candidates))
    found = []
    for _ in range(DRAWS):
        lists = random.permuted(np.tile(asked.candidates, (len(asked.ids), 1)), axis=1)[:, :k]
        hit = metrics.hits(lists, asked.relevant)
        per_user = metrics.per_user(hit, asked.relevant.counts, (10,))
        found.append([per_user["ndcg@10"].mean(), per_user["recall@10"].mean()])
    ndcg, recall = np.mean(found, axis=0)
    print(f"| chance | {ndcg:.4f} | | {recall:.4f} |", flush=True)
    return float(ndcg)


def head(title: str) -> None:
    print(f"\n### {title}\n\n| | NDCG@10 | standard error | Recall@10 |\n|---|---|---|---|")


def asked_of(run: RunConfig, artefacts: Path) -> dict[str, float]:
    """Fit the models of one draw of held-out items and print its tables; NDCG@10 on test, by row."""
    data = recipe.ingest(run, artefacts)
    fitted = recipe.fit(run, data)
    found: dict[str, float] = {}
    for part in ("validation", "test"):
        asked = question(run, data, next(iter(fitted.values())), part)
        head(f"{part}: {len(asked.ids)} users, {len(asked.candidates)} new items compete")
        found["chance"] = chance(asked)
        for name, one in fitted.items():
            steps = f", {one.steps} steps" if one.steps else ""
            found[f"`{name}`"] = row(f"`{name}`{steps}", asked, one.pipeline)
    for name, one in fitted.items():
        if not one.pipeline.model.cold_items:
            continue
        catalogue = one.pipeline.catalogue
        columns = [*catalogue.items.features, *catalogue.items.content]
        head(f"test, what new items lack: `{name}`")
        kinds = {f"no {column}": {column} for column in columns}
        kinds |= {f"{column} alone": set(columns) - {column} for column in columns}
        for words, gone in ({"nothing": set()} | kinds | {"everything": set(columns)}).items():
            items = lacking(catalogue.items, torch.from_numpy(asked.candidates), gone)
            pipeline = Pipeline(one.pipeline.model, one.pipeline.space, Catalogue(catalogue.frame, items))
            found[f"`{name}`, {words}"] = row(words, asked, pipeline)
    return found


def drawn(run: RunConfig, draw: int) -> RunConfig:
    """The run with items held out by another draw."""
    data = run.tables["data"]
    return replace(run, tables={**run.tables, "data": {**data, "split": {**data["split"], "seed": draw}}})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=HERE / "cold-items.toml")
    parser.add_argument("--artefacts", type=Path, default=Path("artefacts"))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--draws", type=int, nargs="+", default=[0], help="seeds by which items are held out")
    chosen = parser.parse_args()
    run = RunConfig.load(chosen.run).override(seed=chosen.seed)
    found = {}
    for draw in chosen.draws:
        print(f"\n## Draw {draw}", flush=True)
        found[draw] = asked_of(drawn(run, draw), chosen.artefacts)
    print(f"\n## NDCG@10 on test, draws {', '.join(map(str, found))}, and their mean\n")
    for name in next(iter(found.values())):
        values = [one[name] for one in found.values()]
        print(f"| {name} | {' | '.join(f'{value:.4f}' for value in values)} | {np.mean(values):.4f} |")


if __name__ == "__main__":
    main()
