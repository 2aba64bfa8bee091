# SPDX-License-Identifier: Apache-2.0
"""The real service with the page, in a process of its own, and a browser to look at it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import films

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PROGRAM = """
import sys
from pathlib import Path
from penchant.console.mount import mount
from penchant.serve.run import ServeConfig, run
run(Path(sys.argv[1]), ServeConfig(port=0), extend=mount, ready=lambda url, _service: print(url, flush=True))
"""


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """Where a service over invented films listens."""
    folder = films.write(tmp_path_factory.mktemp("console"), films.dataset())
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTEST_CURRENT_TEST", None)  # NiceGUI would take the service for a test of its own
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture(scope="module")  # no longer: while it lives, Playwright occupies this thread's event loop
def browser():
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    """The page, loaded; fails if anything asks another host or the browser reports an error."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = context.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".pn-card")
    yield page
    context.close()
    foreign = [
        url for url in asked if not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))
    ]
    assert not foreign
    assert not complaints
