.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
REAL_DATA := $(or $(EMGKIT_REAL_DATA),../shared/data)
PEERS := .venv-peers
PEER_PACKAGES := 'mne>=1.7,<2' 'spikeinterface>=0.105,<0.106' 'pyparrm>=1.1,<2'
MARKS := not slow$(if $(wildcard $(REAL_DATA)/README.md),, and not real)

export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help demo test test-slow check lint types docs format benchmark benchmark-quick benchmark-peers clean datasets

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*##[ ]*(.*)$$/  make \1|\2/' | column -t -s '|'

$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing emgkit into $(VENV) (a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]'
	@touch $@

demo: $(READY)  ## set everything up and do the main job on a simulated recording
	@$(BIN)/emgkit demo

test: $(READY)  ## set everything up and run the tests (without the slow ones)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "$(MARKS)"

test-slow: $(READY)  ## run the tests that take minutes
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m slow

check: lint types test docs  ## lint, types, tests and docs

lint: $(READY)  ## style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)  ## static types
	@$(BIN)/mypy

docs: $(READY)  ## build the documentation into docs/_build/html, warnings are errors
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "Documentation: docs/_build/html/index.html"

benchmark-peers:  ## build the environment of the public peers that the benchmark compares with
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check $(PEER_PACKAGES)

benchmark-quick: $(READY)  ## a first look at accuracy and speed against known truth: two minutes
	@$(BIN)/emgkit benchmark --quick

benchmark: $(READY)  ## all cases, methods and seeds (40 minutes on two cores); the table goes into the documentation
	@$(BIN)/emgkit benchmark --out build/benchmark
	@cp build/benchmark/benchmark_table.rst docs/benchmark_table.rst

datasets: $(READY)  ## make the synthetic recordings in datasets/ again
	@$(BIN)/python datasets/make_datasets.py

format: $(READY)  ## put the code into the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:  ## remove what was built
	@rm -rf $(VENV) $(PEERS) build dist docs/_build docs/generated docs/api/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
