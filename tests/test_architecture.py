# SPDX-License-Identifier: Apache-2.0
"""The walls of the house: import-linter's contracts, small files, nothing that runs foreign data."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "penchant"
FILES = sorted(SRC.rglob("*.py"))
LONGEST = 400

# Each runs data as a program, or may: somebody else's bundle or run file must never be able to make it. The method
# `.eval()` of a model is no `eval()`; torch reads tensors alone where it is told `weights_only`.
FORBIDDEN = re.compile(
    r"import (?:pickle|joblib|marshal|shelve)|\b(?:pickle|joblib)\.\w"
    r"|\btorch\.(?:load|save)\b(?!.*weights_only=True)|(?<![.\w])(?:eval|exec)\(|\bos\.system\b|shell=True"
)


def lint(source):
    """What import-linter says of a copy of the package, under the contracts of pyproject.toml."""
    program = "from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", program, "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"}
    # Unmeasured: the copies, of which nothing is run, would count as code without tests.
    environment.pop("COVERAGE_PROCESS_CONFIG", None)
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=source, check=False)


def test_imports_go_down_only():
    found = lint(ROOT / "src")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("models/ease.py", "import penchant.train.fit", "The floors"),
        ("models/ease.py", "import penchant.features.space", "A model knows no data set"),
        ("models/sasrec.py", "import polars", "A model knows no data set"),
        ("models/layers.py", "import pathlib", "A model knows no data set"),
        ("serve/service.py", "import penchant.train.fit", "A service answers"),
        ("recommend/pipeline.py", "import penchant.config", "The run file is read by"),
        ("serve/service.py", "import fastapi", "The web framework stays"),
        ("data/ingest.py", "import penchant.features.space", "The floors"),
        ("errors.py", "import penchant.cli.say", "The floors"),
    ],
)
def test_a_breach_is_seen(tmp_path, module, line, contract):
    shutil.copytree(SRC, tmp_path / "penchant", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "penchant" / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    found = lint(tmp_path)
    assert found.returncode == 1, found.stdout + found.stderr
    broken = [row for row in found.stdout.splitlines() if row.rstrip().endswith("BROKEN")]
    assert any(row.startswith(contract) for row in broken), found.stdout


def test_a_new_part_must_be_given_its_floor(tmp_path):
    shutil.copytree(SRC, tmp_path / "penchant", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "penchant" / "attic.py").write_text("", encoding="utf-8")
    found = lint(tmp_path)
    assert found.returncode == 1
    assert "attic" in found.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_every_file_is_small_licensed_and_runs_no_foreign_data(path):
    text = path.read_text(encoding="utf-8")
    assert not text or text.startswith("# SPDX-License-Identifier: Apache-2.0\n")
    assert len(text.splitlines()) <= LONGEST
    assert not FORBIDDEN.findall(text)


def test_files_are_small_in_the_middle_too():
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in FILES)
    assert lengths[len(lengths) // 2] <= 150
