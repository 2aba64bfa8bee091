# SPDX-License-Identifier: Apache-2.0
"""Let `CURRENT` name one bundle and then the other under load, and count requests that fail. It must be none.

    python benchmarks/hot_swap.py --artefacts artefacts --times 100

Starts `penchant serve` over a copy of the folder's pointers (CURRENT and PREVIOUS must name two bundles), asks for
recommendations and posts events from several connections all the while, and rolls back and forth. An event is
acknowledged by one bundle and must be known to the next.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from penchant.bundle import current

SERVE = "from penchant.cli import main; main()"
CONNECTIONS = 4


class Load:
    """One connection that asks and tells until it is told to stop."""

    def __init__(self, port: int, name: str, stop: threading.Event) -> None:
        self.port, self.name, self.stop = port, name, stop
        self.asked = 0
        self.failed: list[str] = []
        self.told = 0
        self.bundles: set[str] = set()
        self.slowest = 0.0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.is_set():
            start = time.perf_counter()
            try:
                self.ask(connection)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                connection.close()
            self.slowest = max(self.slowest, time.perf_counter() - start)
        connection.close()

    def ask(self, connection: http.client.HTTPConnection) -> None:
        if self.asked % 10 == 0:
            event = json.dumps({"user_id": self.name, "item_id": 1 + self.told % 50})
            self.read(connection, "POST", "/v1/events", event)
            self.told += 1
            card = self.read(connection, "GET", f"/v1/users/{self.name}")
            if card and card["events"] != self.told:
                self.failed.append(f"{card['events']} events are known where {self.told} were told")
        answer = self.read(connection, "GET", f"/v1/users/{self.name}/recommendations?k=20")
        if answer:
            self.bundles.add(answer["bundle"])

    def read(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None
    ) -> dict:
        connection.request(method, path, body)
        answer = connection.getresponse()
        raw = answer.read()
        self.asked += 1
        if answer.status != 200:
            self.failed.append(f"{method} {path}: {answer.status} {raw.decode()}")
            return {}
        return json.loads(raw)


def ready(port: int) -> str:
    """The bundle that answers now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/readyz")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return str(found["bundle"])


def swap_many(bundles: Path, port: int, times: int) -> tuple[list[Load], float]:
    """What became of the load, and the seconds that all swaps took."""
    stop = threading.Event()
    loads = [Load(port, f"user-{n}", stop) for n in range(CONNECTIONS)]
    threads = [threading.Thread(target=one.run) for one in loads]
    for one in threads:
        one.start()
    start = time.perf_counter()
    for number in range(times):
        wanted = current.roll_back(bundles)
        while ready(port) != wanted:
            time.sleep(0.02)
        print(f"\rswap {number + 1} of {times}", end="", flush=True)
    print()
    stop.set()
    for one in threads:
        one.join()
    return loads, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--artefacts", type=Path, default=Path("artefacts"))
    parser.add_argument("--times", type=int, default=100)
    wanted = parser.parse_args()
    known = wanted.artefacts.resolve() / "bundles"
    with tempfile.TemporaryDirectory() as name:
        bundles = Path(name) / "bundles"
        bundles.mkdir()
        for pointer in (current.CURRENT, current.PREVIOUS):
            (bundles / current.named(known, pointer)).symlink_to(known / current.named(known, pointer))
            (bundles / pointer).write_text((known / pointer).read_text())
        command = [sys.executable, "-c", SERVE, "serve", "--artefacts", name, "--port", "0"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout
            found = re.search(r"https?://[^:]+:(\d+)", process.stdout.readline())
            if not found:
                raise SystemExit("the service did not start")
            loads, seconds = swap_many(bundles, int(found[1]), wanted.times)
            process.terminate()
    failed = [text for one in loads for text in one.failed]
    for text in failed[:10]:
        print(text)
    both = all(len(one.bundles) == 2 for one in loads)
    asked = sum(one.asked for one in loads)
    print(
        f"{wanted.times} swaps in {seconds:.0f} s: {asked:,} requests, {len(failed)} failed, "
        f"the slowest {1000 * max(one.slowest for one in loads):.0f} ms; both bundles answered: {both}"
    )
    raise SystemExit(1 if failed or not both else 0)


if __name__ == "__main__":
    main()
