# SPDX-License-Identifier: Apache-2.0
"""Kill the service at random moments under load and count acknowledged events that are lost. It must be none.

    python benchmarks/kill9.py --bundle artefacts/bundles --times 200

Each round starts the real service (uvicorn, the HTTP route, the event log), posts events from several threads,
sends SIGKILL at a random moment, and compares what was acknowledged with what the log then holds. Rounds are
short because the libraries are imported once, by a server process that forks.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from penchant import registry
from penchant.serve.eventlog import EventLog
from penchant.serve.run import ServeConfig, run

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

CONTEXT = multiprocessing.get_context("forkserver")
NAMED = [path.split(":")[0] for path in (*registry.MODELS.values(), *registry.ENCODERS.values())]
CONTEXT.set_forkserver_preload(["penchant.serve.run", *NAMED])

THREADS = 8


def serve(bundle: Path, url: str, told: Connection) -> None:
    """The service, in a process of its own."""
    run(bundle, ServeConfig(port=0, events=url), ready=lambda address, _service: told.send(address))


class Round:
    """One life of the service."""

    def __init__(self, bundle: Path, url: str) -> None:
        ours, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=serve, args=(bundle, url, theirs))
        self.process.start()
        theirs.close()
        with ours:
            try:
                self.port = int(ours.recv().rsplit(":", 1)[1].strip("/"))
            except EOFError:
                raise SystemExit("the service did not start: see above") from None
        self.acknowledged: list[tuple[str, int]] = []
        self.loaded = threading.Event()

    def post(self, user: str, start: int) -> None:
        """Post events with ascending values until the connection breaks; remember what was acknowledged."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        number = start
        try:
            while True:
                size = 1 + number % 3
                events = [{"user_id": user, "item_id": 1, "value": number + i} for i in range(size)]
                connection.request("POST", "/v1/events", json.dumps(events))
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    raise SystemExit(f"refused: {body!r}")
                self.acknowledged += [(user, number + i) for i in range(size)]
                self.loaded.set()
                number += size
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def run(self, name: str, seconds: float) -> None:
        """Load, kill, wait for the end."""
        threads = [threading.Thread(target=self.post, args=(f"{name}-{n}", 0)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        self.loaded.wait(30)
        time.sleep(seconds)
        os.kill(self.process.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        self.process.join()


def lost_events(url: str, acknowledged: set[tuple[str, int]]) -> int:
    """How many acknowledged events the log lacks; the log is opened as after any crash."""
    log = EventLog(url)
    kept = {
        (user, int(value))
        for frame in log.replay()
        for user, value in frame.select("user_id_text", "value").rows()
    }
    log.close()
    return len(acknowledged - kept)


def kill_many(bundle: Path, url: str, times: int, seed: int = 0) -> tuple[int, int]:
    """(acknowledged, lost) after `times` kills."""
    chance = random.Random(seed)
    acknowledged: set[tuple[str, int]] = set()
    for number in range(times):
        life = Round(bundle, url)
        life.run(f"round {number}", chance.uniform(0, 0.3))
        acknowledged.update(life.acknowledged)
        lost = lost_events(url, acknowledged)
        print(
            f"\rkill {number + 1} of {times}: {len(acknowledged):,} acknowledged, {lost} lost", end="", flush=True
        )
        if lost:
            break
    print()
    return len(acknowledged), lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--bundle", type=Path, required=True, help="a bundle or a folder of bundles; small is fast"
    )
    parser.add_argument("--url", help="an empty database that may be written; else SQLite in a folder of its own")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.url or f"sqlite:///{Path(folder) / 'events.db'}"
        acknowledged, lost = kill_many(arguments.bundle, url, arguments.times, arguments.seed)
    seconds = time.perf_counter() - start
    print(f"{arguments.times} kills in {seconds:.0f} s: {acknowledged:,} events acknowledged, {lost} lost")
    raise SystemExit(1 if lost else 0)


if __name__ == "__main__":
    main()
