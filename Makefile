# SPDX-License-Identifier: Apache-2.0
#
# make demo     everything at once: install, get MovieLens-100K, train, measure, serve a page
# make test     everything that must hold: lint, types, import direction, tests, coverage

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# PyTorch alone and first: within this range pip takes the build that is at hand, and what follows leaves it.
TORCH := "torch>=2.9,<2.14" numpy

export PYTHONUTF8 := 1

.PHONY: help
help:
	@echo "make demo      install, get MovieLens-100K, train, measure, and serve a page to try it on"
	@echo "               (make demo ARGS=--no-serve ends after the table)"
	@echo "make install   install penchant into $(VENV)"
	@echo "make test      install what tests need, then lint, check types and imports, and run all tests"
	@echo "make lint      the quick part of make test"
	@echo "make clean     remove $(VENV) and what tools left behind; data and artefacts stay"
	@echo "PYTHON=...     which Python makes $(VENV); it must be 3.11 or newer"

.PHONY: demo
demo: install
	$(BIN)/penchant demo $(ARGS)

.PHONY: install
install: $(VENV)/.console

.PHONY: test
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --cov --cov-report=term $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: clean
clean:
	rm -rf $(VENV) build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Penchant needs Python 3.11 or newer, and found none." >&2; \
	  echo "Install one, or name it: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Penchant needs Python 3.11 or newer, and $(PYTHON) is not" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian: python3-venv)" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.torch: $(VENV)/.python
	@echo "Installing PyTorch (the largest part)"
	$(PIP) install $(TORCH)
	@touch $@

$(VENV)/.console: $(VENV)/.torch pyproject.toml
	@echo "Installing Penchant"
	$(PIP) install --editable ".[console]"
	@touch $@

$(VENV)/.dev: $(VENV)/.torch pyproject.toml
	@echo "Installing Penchant, and what its tests need"
	$(PIP) install --editable ".[dev]"
	@touch $@ $(VENV)/.console
