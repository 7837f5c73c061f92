# `make` alone lists what there is to do.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PORT ?= 8000
DATA ?= .maillon

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install everything into .venv, and nothing else

$(STAMP): requirements/dev.txt pyproject.toml
	@echo "Installing into .venv…"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Maillon needs Python 3.11 or newer.")'
	@$(PYTHON) -m venv .venv || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(STAMP)

demo: setup ## Run everything on embedded servers, with the demo territory (PORT, DATA)
	@$(BIN)/maillon dev --port $(PORT) --data $(DATA) --demo

dev: setup ## Run everything on embedded servers, empty
	@$(BIN)/maillon dev --port $(PORT) --data $(DATA)

test: setup node ## Run the tests on real servers
	@$(BIN)/pytest -n 2 --dist loadfile -m "not prove" -q

node: ## Install the test tools that need Node, where it is
	@if command -v npm >/dev/null; then \
		cmp -s tests/oidc/package-lock.json tests/oidc/node_modules/.maillon-lock || { \
			echo "Installing the OpenID provider and the browser’s driver of the tests…"; \
			npm ci --prefix tests/oidc --silent --no-audit --no-fund && \
			cp tests/oidc/package-lock.json tests/oidc/node_modules/.maillon-lock; }; \
	else echo "Node is not here: the tests that sign in at a real OpenID provider are skipped."; fi
	@command -v chromium >/dev/null || echo "Chromium is not here: the tests of pages in a real browser are skipped."

prove: setup ## The long rounds: mail storms, races, kills
	@$(BIN)/pytest -m prove -q

lint: setup ## Style, imports, spelling, dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/codespell
	@$(BIN)/deptry .

types: setup ## mypy --strict
	@$(BIN)/mypy

bench: setup .venv/bench/.installed ## Compare with the floor and a peer, in one run
	@$(BIN)/python -m tests.bench

.venv/bench/.installed: requirements/bench.txt
	@echo "Installing the peer into .venv/bench…"
	@$(PYTHON) -m venv .venv/bench
	@$(BIN)/uv pip sync --quiet --python .venv/bench/bin/python --require-hashes requirements/bench.txt
	@touch $@

openapi: setup ## Write openapi/openapi.json anew
	@$(BIN)/maillon openapi > openapi/openapi.json

migrate: setup ## Migrate the database of MAILLON_DATABASE_OWNER_URL
	@$(BIN)/python -m migrations

lock: setup ## Resolve the pinned requirements anew
	@printf 'uv\n' | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 - -o requirements/uv.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --extra dev --group test pyproject.toml -o requirements/dev.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --group bench --constraints requirements/dev.txt -o requirements/bench.txt

.PHONY: help setup demo dev test node prove lint types bench openapi migrate lock
