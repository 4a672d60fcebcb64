# Everything that people and CI run. `make demo` and `make test` need nothing but Python 3.11 and make.
#
#   make test ARGS="-k upsert"            arguments for pytest
#   make venv PYTHON=/opt/python/bin/python3   another Python than the first that fits on PATH

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
export PYTHON ?=

.DEFAULT_GOAL := help
.PHONY: help venv demo test pythons check format servers bench soak clean

help:  ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

venv: $(VENV)/.stamp  ## the virtual environment with the package and all that its tests need

$(VENV)/.stamp: pyproject.toml .ci/make-venv
	bash .ci/make-venv $(VENV)
	touch $@

demo: venv  ## real data into a DuckDB file, changed, synced again; no server needed
	$(BIN)/python docs/examples/demo.py $(ARGS)

servers: venv  ## install the database servers that the tests start privately, where none is installed
	PYTHONPATH=tests $(BIN)/python -m servers.install

test: venv servers  ## all tests but the soak, in two processes; says beforehand what is installed for them
	$(BIN)/python -m pytest -n 2 --dist loadfile -p no:benchmark $(ARGS)

pythons: venv  ## the unit tests on every other Python >= 3.11 that is found
	bash .ci/test-pythons $(BIN)/python

check: venv  ## format, lint, types, architecture, public names
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -q tests/unit/test_architecture.py tests/unit/test_public_api.py

format: venv  ## rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: venv servers  ## the benchmarks, against the peers too; ARGS=--quick takes a tenth of the rows
	PYTHONPATH=tests $(BIN)/python benchmarks/run.py $(ARGS)

soak: venv servers  ## all tests, with those that take minutes and many more examples for each property
	$(BIN)/python -m pytest -m "" --hypothesis-profile=soak --timeout=3600 $(ARGS)

clean:  ## remove what was made, the environment too
	rm -rf $(VENV) build dist .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
