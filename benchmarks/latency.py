# SPDX-License-Identifier: Apache-2.0
"""How long one recommendation takes over HTTP, one client, one request after the other, with events in between.

penchant serve ... &
python benchmarks/latency.py --url http://127.0.0.1:8000/ --users 943 --items 1682
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import time
from urllib.parse import urlsplit


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


def report(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p50, p99 = (1000 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    print(f"{what:16} {len(ordered):6,} requests   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000/")
    parser.add_argument("--users", type=int, default=943, help="ids are 1 to this number")
    parser.add_argument("--items", type=int, default=1682, help="ids are 1 to this number")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--k", type=int, default=10)
    arguments = parser.parse_args()
    chance = random.Random(0)
    connection = http.client.HTTPConnection(urlsplit(arguments.url).netloc, timeout=20)
    reads, writes = [], []
    for number in range(arguments.requests):
        user = chance.randint(1, arguments.users)
        if number % 10 == 0:
            event = {"user_id": user, "item_id": chance.randint(1, arguments.items)}
            writes.append(ask(connection, "POST", "/v1/events", json.dumps(event)))
        reads.append(ask(connection, "GET", f"/v1/users/{user}/recommendations?k={arguments.k}"))
    report("recommendations", reads)
    report("events", writes)


if __name__ == "__main__":
    main()
