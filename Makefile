# Everything sets itself up: a first call needs Python 3.11+ and the network, later ones neither.
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
EXTRAS  := dev
NEWEST  := .venv-newest
PIP     := -m pip --quiet --disable-pip-version-check
INSTALL := $(BIN)/python $(PIP) install --constraint constraints.txt --editable
# What `make test` leaves out besides, such as BUT='not browser'.
BUT     ?=
# Two more than there are cores: these begin with the tests that wait (tests/conftest.py), so that the ones that work are
# left to fill the cores to the end. A module's tests stay together, so that what they share is made once. Also where the
# shell says otherwise, what is compiled is kept: each worker would compile all of it anew.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 2)))
PYTEST  := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --dist worksteal --numprocesses

.PHONY: run install test test-fast test-all test-docs quick faults cluster check fuzz schema docs design bench profile \
  newest constraints clean FORCE

run: $(VENV)/.ready            ## watch; without any account, show a demonstration
	@$(BIN)/provider-monitor run

install: $(VENV)/.ready        ## the program alone, in $(VENV)

test: $(VENV)/.ready-dev       ## all tests but the slow ones, `faults`, `cluster` and `docs`, with fewer random examples
	$(PYTEST) $(WORKERS) --hypothesis-profile brief -m 'not slow and not cluster and not docs $(if $(BUT),and $(BUT))' --ignore tests/faults

test-fast: $(VENV)/.ready-dev  ## of these the ones that reach nothing and await nobody
	$(PYTEST) auto --pure --hypothesis-profile brief -m 'not slow and not cluster'

test-all: $(VENV)/.ready-dev   ## all tests and examples, with those that attack the program on disks and sockets of its own
	$(PYTEST) $(WORKERS) --ignore tests/faults
	@$(MAKE) faults

faults: $(VENV)/.ready-dev     ## those alone, six at a time: they wait more than they work
	$(PYTEST) 6 tests/faults

cluster: $(VENV)/.ready-dev    ## those that need a PostgreSQL, but for the slow ones
	$(PYTEST) $(WORKERS) -m 'cluster and not slow' tests

quick: $(VENV)/.ready-dev      ## of those the quick ones, which are run at each change as `make test` is
	$(PYTEST) $(WORKERS) -m quick tests/faults

test-docs: $(VENV)/.ready-dev  ## those that build the documentation
	$(BIN)/python -m pytest -q -m docs tests

check: $(VENV)/.ready-dev      ## style, types, and the floor plan
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

fuzz: $(VENV)/.ready-dev       ## thousands of random answers, pages, files and requests at each border: half an hour
	$(BIN)/python -m pytest --hypothesis-profile deep tests/fuzz

schema: $(VENV)/.ready-dev     ## write anew what is made of types and files: the JSON Schemas, the known names, docs/reference
	$(BIN)/python -m monitor.config.schema
	$(BIN)/python -m monitor.console.report
	$(BIN)/python -m probes.naming
	$(BIN)/python -m docs.generate

docs: $(VENV)/.ready-dev       ## the documentation as pages, in docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -c docs -d docs/_build/doctrees . docs/_build/html
	@echo docs/_build/html/index.html

design: $(VENV)/.ready-dev     ## write anew docs/design.html, and with Chromium the pictures of the README
	$(BIN)/python -m tests.design_page
	$(BIN)/python -m tests.pictures

bench: $(VENV)/.ready-dev      ## what it costs, beside a bare loop and others: half an hour
	@$(INSTALL) '.[dev,fast]'
	$(BIN)/python -m benchmarks

profile: $(VENV)/.ready-dev    ## where the CPU goes while 1,000 targets are asked
	$(BIN)/python -m benchmarks profile

# The names in pyproject.toml without their ranges: what lies beyond these is what may break.
NAMES := sed -nE 's/^  "([a-z0-9-]+)[<>=~].*/\1/p' pyproject.toml

newest:                        ## check and test with the newest of everything, in an environment of its own
	$(PYTHON) -m venv --clear $(NEWEST)
	$(NEWEST)/bin/python $(PIP) install --upgrade $$($(NAMES))
	$(NEWEST)/bin/python $(PIP) install --no-deps --editable .
	@touch $(NEWEST)/.ready $(NEWEST)/.ready-dev
	@$(MAKE) --keep-going VENV=$(NEWEST) check test quick && touch $(NEWEST)/.passed || true
	@echo 'Other than in constraints.txt:'
	@$(NEWEST)/bin/python $(PIP) freeze --exclude-editable | diff -U 0 constraints.txt - | grep '^[+-][A-Za-z]' || echo nothing
	@test -e $(NEWEST)/.passed || { echo 'With these, the checks or the tests failed: see above.'; exit 1; }

constraints: $(NEWEST)/.passed ## hold everything to what `make newest` has passed with
	@echo '# What the tests passed with; written by `make constraints`, for Python 3.11 and newer.' > constraints.txt
	$(NEWEST)/bin/python $(PIP) freeze --exclude-editable >> constraints.txt

$(NEWEST)/.passed:
	@$(MAKE) newest

clean:
	rm -rf $(VENV) $(NEWEST) docs/_build state site public metrics

# An environment that another Python made is made anew, if a Python is asked for.
ifneq ($(origin PYTHON),file)
ifneq ($(shell $(PYTHON) --version),$(if $(wildcard $(BIN)/python),$(shell $(BIN)/python --version)))
$(VENV)/.ready: FORCE
endif
endif

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "provider-monitor needs Python 3.11 or newer; say make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	$(INSTALL) .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(INSTALL) '.[$(EXTRAS)]'
	@touch $@
