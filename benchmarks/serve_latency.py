# SPDX-License-Identifier: Apache-2.0
"""How long one recommendation and one event take over HTTP: one client, one request after the other.

    python benchmarks/serve_latency.py --bundle artefacts/bundles

Starts `penchant serve` with the bundle as a process of its own, with an event log in a folder that is thrown away,
and asks for random users that the bundle knows over one connection that is kept open. Every tenth request is
followed by an event of the same user, so that histories grow and answers change as they do live. Or name a service
that runs already by `--url`; its event log then keeps the events.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from penchant.bundle.bundle import open_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM_UP = 100
"""Requests before the clock starts."""
EVENT_EVERY = 10
SERVE = "from penchant.cli import main; main()"


@contextmanager
def service(bundle: Path) -> Iterator[str]:
    """A service as users start it, until the block ends; its address."""
    with tempfile.TemporaryDirectory() as folder:
        events = f"sqlite:///{Path(folder) / 'events.db'}"
        command = [sys.executable, "-c", SERVE, "serve", "--bundle", str(bundle), "--port", "0"]
        process = subprocess.Popen(
            [*command, "--events-db", events],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200"},
        )
        try:
            assert process.stdout
            said = process.stdout.readline()
            found = re.search(r"https?://\S+", said)
            if not found:
                raise SystemExit(f"the service did not start: {said}{process.stdout.read()}")
            yield found[0]
        finally:
            process.terminate()
            process.wait(30)


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None) -> float:
    """Seconds until the whole answer was read."""
    start = time.perf_counter()
    connection.request(method, path, body)
    answer = connection.getresponse()
    raw = answer.read()
    seconds = time.perf_counter() - start
    if answer.status != 200:
        raise SystemExit(f"{method} {path}: {answer.status} {raw.decode()}")
    return seconds


def measure(
    url: str, users: list[int | str], items: list[int | str], *, requests: int, k: int
) -> tuple[list[float], list[float]]:
    """Seconds of each recommendation and of each event."""
    chance = random.Random(0)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    reads, writes = [], []
    for number in range(WARM_UP + requests):
        user = chance.choice(users)
        reads.append(ask(connection, "GET", f"/v1/users/{quote(str(user), safe='')}/recommendations?k={k}"))
        if number % EVENT_EVERY == 0:
            event = json.dumps({"user_id": user, "item_id": chance.choice(items)})
            writes.append(ask(connection, "POST", "/v1/events", event))
    connection.close()
    return reads[WARM_UP:], writes[WARM_UP // EVENT_EVERY :]


def summary(seconds: list[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(1000 * value for value in seconds)
    p50, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    return {
        "requests": len(ordered),
        "p50_ms": p50,
        "p99_ms": p99,
        "mean_ms": fmean(ordered),
        "max_ms": ordered[-1],
    }


def show(what: str, found: dict[str, float]) -> None:
    times = "   ".join(f"{name} {found[f'{name}_ms']:6.2f}" for name in ("p50", "p99", "mean", "max"))
    print(f"{what:16} {found['requests']:6,} requests   ms: {times}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--bundle", type=Path, required=True, help="a bundle, or a folder of bundles: users and items come from it"
    )
    parser.add_argument("--url", help="a service with this bundle that runs already; else one is started")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--out", type=Path, help="write the numbers here as JSON")
    wanted = parser.parse_args()
    bundle = open_bundle(wanted.bundle)
    users, items = (bundle.events[column].unique().sort().to_list() for column in ("user_id", "item_id"))
    print(f"{bundle.manifest.kind}: {len(users):,} users, {len(items):,} items, k = {wanted.k}")
    if wanted.url:
        reads, writes = measure(wanted.url, users, items, requests=wanted.requests, k=wanted.k)
    else:
        with service(wanted.bundle) as url:
            reads, writes = measure(url, users, items, requests=wanted.requests, k=wanted.k)
    found = {"recommendations": summary(reads), "events": summary(writes)}
    for what, numbers in found.items():
        show(what, numbers)
    if wanted.out:
        wanted.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
