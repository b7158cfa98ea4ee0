# One virtual environment, `.venv`, made from the locks in requirements/ and made again only when they change; what
# benchmarks compare with has one of its own, `.venv-bench`.

VENV       := .venv
PY         := $(VENV)/bin/python
BENCH      := .venv-bench
INSTALL    := $(PY) -m pip install -qq --disable-pip-version-check --no-input  # -qq: errors only
LOCK_TOOL  := uv==0.13.9
COMPILE    := $(VENV)/bin/uv pip compile --quiet --python-version 3.11 --python-platform linux --generate-hashes \
              --no-strip-extras --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
ARGS       ?=

.PHONY: help demo test lint format dev bench lock clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14

demo: $(VENV)/.run  ## set up and run the demonstration (ARGS="--out DIR --seed N")
	@$(VENV)/bin/partialpool demo $(ARGS)

test: $(VENV)/.dev  ## run the tests (ARGS="-k name")
	@$(PY) -m pytest $(ARGS)

lint: $(VENV)/.dev  ## check style, formatting and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy src

format: $(VENV)/.dev  ## repair style and formatting where a tool can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

dev: $(VENV)/.dev  ## set up what tests and checks need

bench: $(BENCH)/.ready  ## run the benchmarks (ARGS="--bars", "--only bangladesh --peers partialpool,stanli")
	@$(BENCH)/bin/python benchmarks/run.py $(ARGS)

lock: $(VENV)/.python  ## bring requirements/*.lock up to date with pyproject.toml (ARGS="--upgrade")
	@$(INSTALL) $(LOCK_TOOL)
	@$(COMPILE) $(ARGS) pyproject.toml -o requirements/run.lock >/dev/null
	@$(COMPILE) $(ARGS) pyproject.toml --group dev -c requirements/run.lock -o requirements/dev.lock >/dev/null
	@$(COMPILE) $(ARGS) pyproject.toml requirements/bench.in -o requirements/bench.lock >/dev/null

clean:  ## remove the environment, caches and built files
	@rm -rf $(VENV) $(BENCH) benchmarks/.data build dist .coverage htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: a step runs again only when what it was made from is newer.

$(VENV)/.python:
	@for name in $(or $(PYTHON),python3.11 python3 python3.12 python3.13 python3.14); do \
	    "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && python="$$name" && break; \
	done; \
	if [ -z "$$python" ]; then \
	    found=$$($(or $(PYTHON),python3) --version 2>&1) || found="none"; \
	    echo "partialpool needs Python 3.11 or later; found here: $$found." >&2; \
	    echo "  Try: install Python 3.11, or name one with  make PYTHON=/path/to/python3.11 ..." >&2; \
	    exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$python" --version) (once, about a minute)" >&2; \
	"$$python" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python requirements/run.lock pyproject.toml
	@$(INSTALL) --require-hashes -r requirements/run.lock
	@$(INSTALL) --no-deps --editable .
	@touch $@

# The development lock contains the run-time lock, so the demonstration then has nothing left to install.
$(VENV)/.dev: $(VENV)/.python requirements/dev.lock requirements/run.lock pyproject.toml
	@$(INSTALL) --require-hashes -r requirements/dev.lock
	@$(INSTALL) --no-deps --editable .
	@touch $(VENV)/.run $@

# The peers' packages need other versions than the program's own, so they are kept away from it.
$(BENCH)/.ready: $(VENV)/.python requirements/bench.lock pyproject.toml
	@echo "Setting up $(BENCH) (once, some minutes)" >&2
	@$(PY) -m venv --clear $(BENCH)
	@$(BENCH)/bin/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r requirements/bench.lock
	@$(BENCH)/bin/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --editable .
	@touch $@
