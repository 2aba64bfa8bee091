# SPDX-License-Identifier: Apache-2.0
"""Events a second and memory of the aggregates, at 5 million users and 1 million items.

    python benchmarks/aggregates.py --events 10000000

Events are drawn chunk by chunk (users evenly, items by a power law, three types, times in order); only `advance`
is timed: taking up a chunk and telling what was known just before each of its events, for its user and its item.
The peak is that of the whole process, the drawn chunk included.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from penchant.features.aggregates.chunk import NUMBERS, Chunk
from penchant.features.aggregates.measures import Measures, Plan
from penchant.features.aggregates.state import Aggregates
from penchant.features.hashing import mix
from penchant.schema import IdType, Schema

SCHEMA = Schema(
    user_id=IdType.INTEGER,
    item_id=IdType.INTEGER,
    event_types=("buy", "cart", "view"),
    has_value=True,
    extras=("dwell", "amount", "quantity"),
)
CHOICES = {
    "events": ("events",),
    "recency, trend": ("recency", "trend"),
    "usual": ("events", "types", "recency", "trend", "distinct"),
    "all": True,
}


def draw(random: np.random.Generator, size: int, users: int, items: int, start: int) -> Chunk:
    """Events in the order of time."""
    who = random.integers(0, users, size)
    what = np.minimum(random.zipf(1.3, size), items) - 1
    return Chunk(
        users=who,
        items=what,
        times=start + np.sort(random.integers(0, 3_600_000_000, size)),
        types=random.integers(0, 3, size),
        user_hashes=mix(who),
        item_hashes=mix(what),
        numbers={name: random.random(size) * 100 for name in NUMBERS},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--users", type=int, default=5_000_000)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--chunk", type=int, default=250_000)
    args = parser.parse_args()
    print(f"{args.events:,} events, {args.users:,} users, {args.items:,} items, chunks of {args.chunk:,}")
    for name, chosen in CHOICES.items():
        plan = Plan(Measures.choose(chosen, (1.0, 30.0), SCHEMA))
        state = Aggregates(plan, args.users, args.items)
        random, seconds, busy, clock = np.random.default_rng(0), 0.0, 0.0, 10**15
        for _ in range(args.events // args.chunk):
            chunk = draw(random, args.chunk, args.users, args.items, clock)
            clock = int(chunk.times[-1])
            start, began = time.perf_counter(), time.process_time()
            state.advance(chunk)
            seconds += time.perf_counter() - start
            busy += time.process_time() - began
        done = args.events // args.chunk * args.chunk
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{name:15} {len(plan.columns):3} columns a side: {done / seconds / 1e6:5.2f} M events/s,"
            f" {done / busy / 1e6:5.2f} M a second of processor time,"
            f" state {state.nbytes / 2**30:4.2f} GiB, peak of the process so far {peak:4.2f} GiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
