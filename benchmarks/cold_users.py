# SPDX-License-Identifier: Apache-2.0
"""How good are lists for users whom training never saw, by how many of their events are told?

    python benchmarks/cold_users.py

The run file is that of `cold_items.py`, with whole users held out instead of items. Models learn once; then the
same held-out users are asked about with none of their events, the first three, the first ten. To find is the rest.
Popularity is what there is to say of somebody of whom nothing is known. In brackets: standard errors over users.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from penchant import recipe
from penchant.config import RunConfig
from penchant.evaluate.protocol import EvaluateConfig, Question, cut

HERE = Path(__file__).parent
TOLD = (0, 3, 10)


def told(run: RunConfig, events: int) -> RunConfig:
    """The run with whole users held out, of whom so many events are told."""
    data = run.tables["data"] | {"split": {"kind": "cold_users", "given_events": events}}
    return replace(run, tables={**run.tables, "data": data})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=HERE / "cold-items.toml")
    parser.add_argument("--artefacts", type=Path, default=Path("artefacts"))
    chosen = parser.parse_args()
    run = RunConfig.load(chosen.run)
    fitted = recipe.fit(told(run, TOLD[1]), recipe.ingest(told(run, TOLD[1]), chosen.artefacts))
    space, catalogue = (getattr(next(iter(fitted.values())).pipeline, name) for name in ("space", "catalogue"))
    print(f"\n| events told | {' | '.join(f'`{name}`' for name in fitted)} |\n|---{'|---' * len(fitted)}|")
    for events in TOLD:
        data = recipe.ingest(told(run, events), chosen.artefacts)
        config = run.read(EvaluateConfig, "evaluate")
        asked = Question.prepare(space, catalogue, cut(data.split, "test"), data.dataset.users, config=config)
        cells = []
        for one in fitted.values():
            values = asked.ask(one.pipeline).per_user["ndcg@10"]
            cells.append(f"{values.mean():.4f} ({values.std() / len(values) ** 0.5:.4f})")
        print(f"| {events} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
