# Waymark. `make help` lists what there is; every target sets up what it needs.
PYTHON ?= python3
TOOLS  := .tools
UV     := $(TOOLS)/bin/uv
VENV   := .venv
BIN    := $(VENV)/bin
WORKERS ?= 2
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help install dev demo test quick check-static browser bench lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV): requirements-tools.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Waymark needs Python 3.11 or newer. Name one with: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Setting up the installer ..."
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.lock
	@touch $@

$(BIN)/python: | $(UV)
	@$(UV) venv --quiet --python $(PYTHON) $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the run-time set ..."
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.installed ## Install the run-time set: .venv/bin/waymark

dev: $(VENV)/.installed-dev ## Install everything a developer needs

demo: $(VENV)/.installed ## Run app, worker and practice LMS on this machine
	@exec $(BIN)/waymark demo

browser: ## Install Debian's Chromium if there is no browser and we may
	@sh tests/browser/install_chromium.sh

check-static: $(VENV)/.installed-dev ## Format, lint, types, layers
	@$(BIN)/ruff format --check --quiet . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: $(VENV)/.installed-dev browser check-static ## Everything CI checks
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

quick: $(VENV)/.installed-dev check-static ## The tests without browsers and without the slow ones
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not browser and not slow"

lock: | $(UV) ## Resolve the dependencies again; no address of any registry gets into the files
	@for set in "requirements.lock:--extra build" "requirements-dev.lock:--extra build --extra dev"; do \
	  $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links $${set#*:} pyproject.toml -o $${set%%:*}; done

clean: ## Remove what was installed and built; keeps .waymark, where the data is
	@rm -rf $(VENV) $(TOOLS) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
