# SPDX-License-Identifier: Apache-2.0
"""Is each task of a ranker as good among others as alone? And are its probabilities right?

    python benchmarks/multitask.py benchmarks/rank-tmall.toml --seeds 3 --out tmall.jsonl

The run file's `[rank]` says which tasks. Candidates or impressions are asked for once: at moments of train's last
slice (to learn from), of the validation part (which ends training and calibrates) and of the test part (which is
judged). The sources learned from what was before all of these, the feature space from train. Then the ranker is
trained with all tasks, and anew for each task by itself, with the same network and no other tasks. `--blind` never
opens the test part: the last moments of train take the place of validation, and validation that of test.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from penchant import recipe
from penchant.config import RunConfig
from penchant.evaluate.protocol import EvaluateConfig
from penchant.evaluate.scores import auc, log_loss, reliability
from penchant.features.signals import in_log_order
from penchant.rank.config import RankConfig
from penchant.rank.heads import levels_of, standardised
from penchant.rank.ranker import Ranker
from penchant.rank.reading import learn_readings, read
from penchant.recommend.asking import Asking, all_labels, last_place, moments
from penchant.recommend.pipeline import Pipeline
from penchant.recommend.ranking import Allowed, Source
from penchant.schema import TIME
from penchant.train.ranking import fit_ranker, say
from penchant.train.runtime import seed_step
from penchant.workbench import Workbench

if TYPE_CHECKING:
    from penchant.batch import Sizes


def ask(run: RunConfig, data: recipe.Data, config: RankConfig, *, blind: bool) -> tuple[Sizes, tuple]:
    """Sizes of the feature space, and (to learn from, held out, judged) cases."""
    bench = Workbench.prepare(run, data.dataset, data.split.train)
    train = in_log_order(data.split.train)
    events = in_log_order(data.split.refit if blind else data.everything)
    starts = moments(train[TIME].to_numpy(), config)
    early = bench.before(train.head(starts[0]))
    catalogue = early.catalogue()
    kinds = [(run.model.kind, run.model.choices, config.candidates)]
    kinds += [(one.kind, one.settings, one.count) for one in config.sources]
    sources = []
    for kind, settings, count in kinds:
        model, _ = early.fit(type(run.model)(kind=kind, choices=settings))
        sources.append(Source(Pipeline(model, early.space, catalogue), kind, count))
    asking = Asking(
        sources=sources, space=early.space, catalogue=catalogue, events=events, profiles=data.dataset.users,
        config=config, allowed=Allowed(exclude_seen=not run.read(EvaluateConfig, "evaluate").repeats),
    )  # fmt: skip
    width = (train.height - starts[0]) / config.moments
    ends = [train.height, data.split.refit.height, events.height]
    later = [
        np.linspace(first, last, max(round((last - first) / width), 1) + 1)[:-1].astype(int).tolist()
        for first, last in itertools.pairwise(ends)
        if last > first
    ]
    every = [*starts, *(start for part in later for start in part)]
    kept = len(starts) - (config.held_moments if blind else 0)
    held = len(starts) + (0 if blind else len(later[0]))
    parts: tuple[list, list, list] = ([], [], [])
    with torch.inference_mode():
        for number, cases in asking.cases(every):
            parts[(number >= kept) + (number >= held)].append(cases)
    return early.space.sizes, parts


def judged(
    config: RankConfig, sizes: Sizes, parts: tuple[list, list, list], seed: int
) -> dict[str, dict[str, float]]:
    """Train a ranker of these tasks, and measure it on the judged cases."""
    names = [task.name for task in config.foretold]
    learn, held, judge = parts
    seed_step(seed, 2**30)
    ranker = Ranker(config, sizes, learn[0].standing.shape[1], last_place(learn))
    levels = levels_of(config.foretold, all_labels(learn))
    began = time.process_time()
    result = fit_ranker(ranker, levels, learn, held, seed=seed)
    seconds = time.process_time() - began
    readings = learn_readings(config.foretold, levels, config.calibration, say(ranker, held), all_labels(held))
    said, came = say(ranker, judge), all_labels(judge)
    values = read(config.foretold, readings, said)
    found = {}
    for place, (task, level) in enumerate(zip(config.foretold, levels, strict=True)):
        there = ~came[:, place].isnan()
        truth, value = came[there, place].double(), values[names[place]][there].double()
        if task.kind == "binary":
            y, p = truth.numpy(), value.numpy()
            raw = torch.sigmoid(said[there, place].double()).numpy()
            found[task.name] = {
                "auc": auc(p, y), "log_loss": log_loss(p, y), "ece": reliability(p, y).error,
                "ece_raw": reliability(raw, y).error, "cases": len(y), "ones": float(y.sum()),
            }  # fmt: skip
        else:
            gap = said[there, place].double() - standardised(task, level, truth)
            found[task.name] = {"rmse": float(gap.square().mean().sqrt()), "cases": len(truth)}
        found[task.name] |= {"epochs": result.epochs, "seconds": seconds}
    return found


def alone(config: RankConfig, parts: tuple[list, list, list], place: int) -> tuple[RankConfig, tuple]:
    """The same for one task without the others."""
    task = msgspec.structs.replace(config.foretold[place], after=None)
    cut = [
        [type(one)(**{**vars(one), "labels": one.labels[:, place : place + 1]}) for one in part] for part in parts
    ]
    return msgspec.structs.replace(config, tasks=(task,), score=""), tuple(cut)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--artefacts", type=Path, default=Path("artefacts"))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=JSON", help="other choices of [rank]")
    parser.add_argument("--together-only", action="store_true")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    run = RunConfig.load(args.run)
    data = recipe.ingest(run, args.artefacts, blind=args.blind)
    other = {key: json.loads(value) for key, _, value in (one.partition("=") for one in args.set)}
    config = msgspec.structs.replace(run.read(RankConfig, "rank"), **other)
    began = time.process_time()
    sizes, parts = ask(run, data, config, blind=args.blind)
    counts = [sum(map(len, part)) for part in parts]
    print(f"{counts[0]:,} cases to learn from, {counts[1]:,} held out, {counts[2]:,} judged; "
          f"asked in {time.process_time() - began:.0f} s", flush=True)  # fmt: skip
    table: dict[tuple[str, str], list[dict[str, float]]] = {}
    for seed in range(args.seeds):
        ways = [("together", config, parts)]
        if not args.together_only:
            ways += [("alone", *alone(config, parts, place)) for place in range(len(config.foretold))]
        for way, chosen, some in ways:
            for name, found in judged(chosen, sizes, some, seed).items():
                table.setdefault((name, way), []).append(found)
                if args.out:
                    with args.out.open("a") as file:
                        file.write(json.dumps({"run": args.run.stem, "task": name, "way": way, "seed": seed,
                                               "blind": args.blind, **other, **found}) + "\n")  # fmt: skip
                print(way, name, {key: round(value, 5) for key, value in found.items()}, flush=True)
    print("\n| task | ones of cases | | AUC or RMSE | log-loss | ECE | before |")
    for (name, way), rows in table.items():
        mean = {key: statistics.mean(row[key] for row in rows) for key in rows[0]}
        cells = [mean.get("auc", mean.get("rmse", 0)), mean.get("log_loss"), mean.get("ece"), mean.get("ece_raw")]
        written = " | ".join("" if cell is None else f"{cell:.4f}" for cell in cells)
        print(f"| {name} | {mean.get('ones', 0):,.0f} of {mean['cases']:,.0f} | {way} | {written} |")


if __name__ == "__main__":
    main()
