# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/.ready

# A folder of data sets beside the checkout is used as the mirror; without one, data comes from its pinned URLs.
ifneq ($(wildcard ../shared/datasets),)
export PROJECTKIT_MIRROR ?= $(abspath ../shared/datasets)
endif

.DEFAULT_GOAL := help
.PHONY: help install demo test fast nightly lint types format bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## environment in .venv with everything in it (about 2 minutes, 6 GB)

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY) ## the whole life of a project, on real data
	$(BIN)/projectkit demo

test: $(READY) lint types ## lint, types and all tests but the nightly ones
	$(BIN)/python -m pytest -n 2 -m "not nightly"

fast: $(READY) ## the tests that need no training, under a minute
	$(BIN)/python -m pytest -n 2 -m "not nightly and not slow"

nightly: $(READY) lint types ## every test: the complete render matrix and long runs
	$(BIN)/python -m pytest -n 2

lint: $(READY) ## ruff, and the format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

format: $(READY) ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## measure, and rewrite benchmarks/RESULTS.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/poster.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/simulations.py
	$(BIN)/python benchmarks/kill_resume.py
	$(BIN)/python benchmarks/data_baselines.py

clean: ## remove the environment, caches and demos
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache demo
