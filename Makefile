# `make demo` and `make test` are the two commands to begin with; each sets up what it needs.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
WORKERS ?= 4
PIP := PIP_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

# Compiled code is kept: hundreds of processes are started by the tests, and each would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test ready failed check matrix bench tour venv format screens wheel clean

help: ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## Set up, then show the whole product on its own sandbox (without a terminal: a headless run)
	@if [ -t 0 ] && [ -t 1 ]; then exec $(BIN)/portal demo; else exec $(BIN)/portal demo --headless --orders 50; fi

test: $(DEV) ## Set up, then run the tests
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m "not matrix"

ready: $(DEV) ## Compile what the tests run, once instead of in each worker
	@$(BIN)/python -m compileall -q console integrations storage styles
	@$(BIN)/python -m pytest -qqq --collect-only -m "not matrix" > /dev/null

failed: $(DEV) ## Run what failed once more, alone: a test that passes now is flaky, and a bug to find
	$(BIN)/python -m pytest -q -m "not matrix" --last-failed --last-failed-no-failures none

check: $(DEV) ## Lint, formatting, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

matrix: $(DEV) ## Run the whole kill and fault matrix (long)
	$(BIN)/python -m pytest -q -n $(WORKERS) -m matrix

bench: $(DEV) ## Measure everything that has a budget; also into build/bench.json
	$(BIN)/python -m tests.bench

tour: $(DEV) ## Walk the three walks in a terminal and draw them for README
	$(BIN)/python -m tests.e2e.walks.tour

venv: $(DEV) ## Only set up

format: $(DEV) ## Format the code and mend what the linter can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

wheel: $(DEV) ## Build the wheel into dist/
	$(BIN)/python -m hatchling build -t wheel

clean: ## Remove everything that was made here, the virtual environment too
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): pyproject.toml constraints.txt
	@.ci/make-venv $(VENV) $(PYTHON)
	@echo "installing portal (a minute or so)"
	@$(PIP) --editable .
	@$(BIN)/python -m compileall -q console integrations storage styles  # pip does it for a wheel; each start is a quarter quicker
	@touch $@

$(DEV): $(RUNTIME)
	@echo "installing the tools for tests and checks"
	@$(PIP) --editable '.[dev,bench]'
	@touch $@
