# SPDX-License-Identifier: Apache-2.0
"""Several processes at one address: they agree, are replaced when they die, and end with their parent."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import films

ROOT = Path(__file__).parents[2]
PROGRAM = """
import logging, sys
from pathlib import Path
from penchant.serve.run import ServeConfig, run

if __name__ == "__main__":
    run(Path(sys.argv[1]), ServeConfig(port=0, workers=2), ready=lambda url, _service: print(url, flush=True))
    print("ended", flush=True)
"""


def ask(url, body=None, **headers):
    request = urllib.request.Request(url, body and json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


@pytest.fixture
def crew(tmp_path):
    folder = films.write(tmp_path / "bundles", films.dataset(), kind="popularity")
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, tmp_path / "program.py", folder], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process, process.stdout.readline().strip()
        if process.poll() is None:
            process.kill()


def children(process):
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    assert holds()


def test_they_agree_are_replaced_and_end_in_order(crew):
    process, url = crew
    assert url.startswith("http://127.0.0.1:")
    for n in range(6):
        ask(f"{url}v1/events", {"user_id": f"u{n}", "item_id": 9})
    # Each connection is new, so both answer; each knows, within a moment, what came in at the other.
    for n in range(6):
        until(lambda n=n: all(json.loads(ask(f"{url}v1/users/u{n}"))["events"] == 1 for _ in range(4)))
    counted = re.search(r'penchant_requests_total\{.*route="/v1/events".*\} (\S+)', ask(f"{url}metrics"))
    assert float(counted[1]) == 6.0  # of all workers
    workers = children(process)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    until(lambda: len(set(children(process)) - set(workers)) == 1)
    assert json.loads(ask(f"{url}readyz"))["ready"]
    process.send_signal(signal.SIGTERM)
    assert process.stdout.read() == "ended\n"
    assert process.wait(30) == 0


def test_workers_do_not_outlive_their_parent(crew):
    process, _ = crew
    workers = children(process)
    assert len(workers) == 2
    process.kill()
    until(lambda: not any(map(lives, workers)))
