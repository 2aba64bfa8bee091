# SPDX-License-Identifier: Apache-2.0
"""Whatever the OpenAPI document allows, and what it does not, is answered as it says; never with a 500."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis.errors import Unsatisfiable

from penchant.bundle.bundle import open_bundle
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.impressions import ImpressionLog
from penchant.serve.offering import Offering
from penchant.serve.service import Service

ROOT = Path(__file__).parents[2]
CASES = 12


@pytest.fixture(scope="module")
def api_fuzz():
    spec = importlib.util.spec_from_file_location("api_fuzz", ROOT / "benchmarks" / "api_fuzz.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["api_fuzz"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["api_fuzz"]


@pytest.fixture
def app(bundle_folder, tmp_path):  # anew for each test: schemathesis lets an app end with the requests of one
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    shown = ImpressionLog(log.engine)
    yield create_app(Service(open_bundle(bundle_folder), log, offering=Offering(shown)))
    shown.close()
    log.close()


@pytest.mark.parametrize("mode", ["valid", "invalid"])
def test_every_answer_is_one_that_the_document_names(api_fuzz, app, mode):
    seen, asked = Counter(), 0
    for operation in api_fuzz.operations(app):
        try:
            api_fuzz.ask(operation, mode, CASES, seen)
            asked += 1
        except Unsatisfiable:  # nothing could be wrong with a request that has no parameters
            assert mode == "invalid"
    assert asked > 10
    assert not {status for status in seen if status >= 500}
    assert seen[200] > 20 if mode == "valid" else seen[422] > 20


def test_an_answer_that_is_not_named_is_found(api_fuzz):
    app = FastAPI()

    @app.get("/broken")
    def broken(k: int = 3):
        return {"k": 1 // 0}

    (operation,) = api_fuzz.operations(app)
    with pytest.raises((ZeroDivisionError, BaseExceptionGroup)):
        api_fuzz.ask(operation, "valid", 3, Counter())
