# Every command of the project. `make help` lists them; `make` alone does the same.
# The environment lives in .venv and is built from the hash-pinned lock files in requirements/, with uv when it is
# installed, else with venv and pip. A prepared environment costs nothing: the stamp files say what is installed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test coverage mutation lint format bench lock snapshots clean

# Bytecode files halve the time of every import; some machines switch them off.
unexport PYTHONDONTWRITEBYTECODE
# The project's own environment, whatever else is active.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

# The first of these that is new enough; if none is, python3, so that the message below can say what it is.
PYTHON ?= $(or $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done),python3)
VENV := .venv
BIN := $(VENV)/bin
# The demo's books end with TO.
DEMO ?= demo
FROM ?= 2026-08-31
TO ?= 2026-10-31
UV := $(shell command -v uv 2>/dev/null)
CODE := risk_pipeline assets checks tests $(wildcard bench)

help: ## list the commands
	@echo "Customer risk pipeline. Commands:"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: $(VENV)/.ready-run ## demo workspace, last three month ends, results on screen (again: brings it up to date)
	@test -f $(DEMO)/risk.yaml || $(BIN)/risk-pipeline init $(DEMO) --demo
	@$(BIN)/risk-pipeline -w $(DEMO) backfill --from $(FROM) --to $(TO) --every month
	@command -v risk-pipeline >/dev/null || echo "The commands are in $(BIN); to type them as above: source $(BIN)/activate"

# A file of tests stays on one core: what its fixtures make is made once.
test: $(VENV)/.ready-dev ## all tests, on every core
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

# What decides: branch coverage of it, and whether its tests notice small faults put into it (docs/quality.md).
DECIDING := risk_pipeline.decision risk_pipeline.policy
DECIDING_TESTS := $(wildcard tests/unit/test_decision_*.py tests/unit/test_policy_*.py) tests/golden tests/property
coverage: $(VENV)/.ready-dev ## branch coverage of decision and policy, at least 90 %
	@$(BIN)/python -m pytest -q -n auto --dist loadfile $(DECIDING_TESTS) $(DECIDING:%=--cov=%) $(ARGS)

mutation: $(VENV)/.ready-dev ## small faults in decision and policy that no test notices (an hour; ARGS="--module limits" for one)
	@$(BIN)/python -m bench.mutation $(DECIDING_TESTS) $(ARGS)

lint: $(VENV)/.ready-dev ## style, format, types, layers
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.ready-dev ## rewrite the code in the house format
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

bench: $(VENV)/.ready-dev ## speed and memory against a hand-written script (minutes)
	@$(BIN)/python -m bench $(ARGS)

snapshots: $(VENV)/.ready-dev ## rewrite generated files: data dictionary, asset graph
	@$(BIN)/python tests/architecture/regenerate.py

# Universal: one file for every Python version and platform. No index addresses: the file works behind any mirror.
LOCK := pip compile pyproject.toml --all-extras --universal --generate-hashes --no-strip-extras --no-emit-index-url --quiet \
	--custom-compile-command "make lock"
lock: ## resolve the dependencies anew into requirements/ (needs uv)
	@test -n "$(UV)" || { echo "make lock needs uv (https://docs.astral.sh/uv/): only uv writes one lock file for every platform" >&2; exit 1; }
	@uv $(LOCK) --group dev -o requirements/dev.txt $(ARGS)
	@uv $(LOCK) --group build --constraint requirements/dev.txt -o requirements/run.txt
	@echo "wrote requirements/dev.txt and requirements/run.txt"

clean: ## remove the environment, caches and the demo workspace
	rm -rf $(VENV) $(DEMO) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .mutation.json build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environment ------------------------------------------------------------------------------------------------------
# Python is checked before anything is created, since an old one would only fail later and less clearly.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not on the PATH. Install it, or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) -V) and $(if $(UV),uv,venv + pip)"
	@$(if $(UV),uv venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV),$(PYTHON) -m venv $(VENV))

ifdef UV
INSTALL_LOCK = uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r
PREPARE = true
INSTALL_SELF = uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
# An environment that uv made has no pip.
PREPARE = $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
INSTALL_LOCK = $(PIP) install --require-hashes --no-deps -r
INSTALL_SELF = $(PIP) install --no-deps --no-build-isolation -e .
endif

$(VENV)/.ready-run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing what a run needs (a minute or two, once)"
	@$(PREPARE)
	@$(INSTALL_LOCK) requirements/run.txt
	@$(INSTALL_SELF)
	@touch $@

# The development lock holds everything of the run lock, at the same versions.
$(VENV)/.ready-dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing what development needs (a minute or two, once)"
	@$(PREPARE)
	@$(INSTALL_LOCK) requirements/dev.txt
	@$(INSTALL_SELF)
	@touch $@ $(VENV)/.ready-run
