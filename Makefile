# Waymark. `make help` lists what there is; every target sets up what it needs.
TOOLS   := .tools/installer
UV      := $(TOOLS)/bin/uv
VENV    := .venv
BIN     := $(VENV)/bin
# Folders that test what stands around the product; left out of `make quick` together with browsers and slow tests.
LEFT_OUT := practice_lms bench independent container
SIMULATION := tests/system/two_years
WORKERS ?= 2
# all: PostgreSQL gets every parameter of every test: for the night.
DB ?= both
# The first Python here that is new enough; name another with `make PYTHON=...`.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$python; break; }; done)
endif
export UV_PYTHON_DOWNLOADS := never
# Several processes of a test run read the same files: what the first has worked out serves the others.
unexport PYTHONDONTWRITEBYTECODE
# Installed with its bytecode, the first start is as quick as the second.
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
RESOLVE := $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help install dev demo test suite simulation node-tools openedx-tools quick check-static browser fuzz bench lock clean

help: ## List the targets
	@echo "Waymark: make TARGET"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14 | sed 's/^/  /'
	@echo "Ports, data folder and all other settings: WAYMARK_... in the environment (docs/operate.md)."

# Each step ends with its mark, and begins by clearing what an interrupted one may have left.
$(TOOLS)/.installed: requirements-tools.lock
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Waymark needs Python 3.11 or newer; found: $$($(or $(PYTHON),python3) --version 2>&1)."; \
	  echo "If you have one under another name: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@echo "Setting up the installer ..."
	@$(PYTHON) -m venv --clear $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.lock
	@touch $@

$(VENV)/.made: | $(TOOLS)/.installed
	@$(UV) venv --quiet --clear --python $(PYTHON) $(VENV)
	@touch $@

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.made
	@echo "Installing the run-time set ..."
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.installed ## Install the run-time set: .venv/bin/waymark

dev: $(VENV)/.installed-dev ## Install everything a developer needs

demo: $(VENV)/.installed ## Run app, worker and practice LMS on this machine; Ctrl-C stops them
	@exec $(BIN)/waymark demo

browser: ## Install Debian's Chromium if there is no browser and we may
	@sh tests/browser/install_chromium.sh

check-static: $(VENV)/.installed-dev ## Format, lint, types, layers
	@$(BIN)/ruff format --check --quiet . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# What waits for a network or for one processor goes on beside the rest: a failure of any of them fails the target.
test: $(VENV)/.installed-dev ## Everything CI checks
	@$(MAKE) --no-print-directory -j 4 check-static suite

suite: $(VENV)/.installed-dev browser node-tools openedx-tools simulation
	@echo "Tests, and those of everything that keeps data on SQLite and on PostgreSQL ..."
	@$(BIN)/python -m pytest --db=$(DB) -n $$(( 2 * $(WORKERS) )) --ignore=$(SIMULATION)

# The longest test of all needs one processor and nothing else: beside the static checks it holds up nobody.
simulation: $(VENV)/.installed-dev ## Two years of two hundred specialists, seeded; in under two minutes
	@echo "Two simulated years ..."
	@$(BIN)/python -m pytest $(SIMULATION) -n 0

node-tools: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.independent.tools || true

openedx-tools: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.openedx.tools || true

quick: $(VENV)/.installed-dev check-static ## Static checks, and the tests without browsers and without the slow ones
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not browser and not slow" $(LEFT_OUT:%=--ignore=tests/%)

fuzz: $(VENV)/.installed-dev ## Attack the credential engine for hours: fifty times what CI tries
	@WAYMARK_FUZZ=50 $(BIN)/python -m pytest tests/vc/fuzz -n $(WORKERS) -o faulthandler_timeout=0

bench: $(VENV)/.installed-dev ## Measure signing, verifying, launches and pages against their peers
	@$(BIN)/python -m bench

lock: | $(TOOLS)/.installed ## Resolve the dependencies again; no address of any registry gets into the files
	@for set in "requirements.lock:--extra build" "requirements-dev.lock:--extra build --extra dev"; do \
	  $(RESOLVE) $${set#*:} pyproject.toml -o $${set%%:*} || exit 1; done
	@$(RESOLVE) --python-version 3.11 --fork-strategy fewest tests/openedx/requirements.in -o tests/openedx/requirements.lock

clean: ## Remove what was installed and built; keeps .waymark, where the data is
	@rm -rf $(VENV) .tools .node build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
