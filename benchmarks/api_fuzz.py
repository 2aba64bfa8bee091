# SPDX-License-Identifier: Apache-2.0
"""Ask a service whatever its OpenAPI document allows, and what it does not: no server error, nothing undocumented.

    python benchmarks/api_fuzz.py --bundle artefacts/bundles --cases 10000

Cases are made by schemathesis out of the document that the service itself gives, valid and invalid ones alike, and
are answered in this process, with an event log in a folder that is thrown away. Each answer must be one of those
that the document names, of the shape that it says, and none may be a server error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import checks
from schemathesis.specs.openapi import checks as conformance

from penchant.bundle.bundle import open_bundle
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.impressions import ImpressionLog
from penchant.serve.offering import Offering
from penchant.serve.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

WANTED = [
    checks.not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_schema_conformance,
]
MODES = {"valid": schemathesis.GenerationMode.POSITIVE, "invalid": schemathesis.GenerationMode.NEGATIVE}


def operations(app: FastAPI) -> Iterator[Any]:
    """Everything that the document of `app` names."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    for one in schema.get_all_operations():
        yield one.ok()


def ask(operation: Any, mode: str, cases: int, seen: Counter[int], round_number: int = 0) -> None:
    """Make `cases` requests of one operation; `seen` counts answers by status. Fails at the first bad one.

    Raises:
        Unsatisfiable: no such request can be made: nothing could be wrong with one.
    """

    @seed(round_number)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=MODES[mode]))
    def asked(case: Any) -> None:
        answer = case.call()
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=WANTED)

    asked()


def fuzz(app: FastAPI, cases: int) -> tuple[Counter[int], int]:
    """(answers by status, bad ones) of at least so many requests, all operations in turn."""
    todo = [(one, mode) for one in operations(app) for mode in MODES]
    total: Counter[int] = Counter()
    failed = number = 0
    while total.total() < cases and todo:
        each = -(-(cases - total.total()) // len(todo))
        left = []
        for operation, mode in todo:
            seen: Counter[int] = Counter()
            start = time.perf_counter()
            try:
                ask(operation, mode, each, seen, number)
                left += [(operation, mode)] if seen.total() > 1 else []  # else there is but one such request
            except Unsatisfiable:
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told and counted
                failed += 1
                print(f"{operation.label} ({mode}): {type(error).__name__}: {error}", file=sys.stderr)
            finally:
                total += seen
            told = ", ".join(f"{count} x {status}" for status, count in sorted(seen.items()))
            print(f"{operation.label} ({mode}): {told} in {time.perf_counter() - start:.1f} s", flush=True)
        todo, number = left, number + 1
    return total, failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--bundle", type=Path, required=True, help="a bundle or a folder of bundles; small is fast"
    )
    parser.add_argument("--cases", type=int, default=10_000, help="of all operations together")
    parser.add_argument("--url", help="an empty database; else SQLite in a folder of its own")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(arguments.url or f"sqlite:///{Path(folder) / 'events.db'}")
        shown = ImpressionLog(log.engine)
        app = create_app(Service(open_bundle(arguments.bundle), log, offering=Offering(shown)))
        total, failed = fuzz(app, arguments.cases)
        shown.close()
        log.close()
    errors = sum(count for status, count in total.items() if status >= 500)
    print(f"{total.total():,} cases: {errors} server errors, {failed} operations with an answer that is not named")
    raise SystemExit(1 if failed or errors else 0)


if __name__ == "__main__":
    main()
