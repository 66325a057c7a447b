# Everything sets itself up: a first call needs Python 3.11+ and the network, later ones neither.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run test check schema bench profile clean

run: $(VENV)/.ready            ## watch; without any account, show a demonstration
	@$(BIN)/provider-monitor run

test: $(VENV)/.ready-dev       ## all tests
	$(BIN)/python -m pytest

check: $(VENV)/.ready-dev      ## style, types, and the floor plan
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

schema: $(VENV)/.ready-dev     ## write the JSON Schema of monitor.toml anew
	$(BIN)/python -m monitor.config

bench: $(VENV)/.ready-dev      ## what it costs, beside a bare loop and others: half an hour
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,fast]'
	$(BIN)/python -m benchmarks

profile: $(VENV)/.ready-dev    ## where the CPU goes while 1,000 targets are asked
	$(BIN)/python -m benchmarks profile

clean:
	rm -rf $(VENV) state site

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "provider-monitor needs Python 3.11 or newer; say make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
