# The two commands to know: `make demo` shows Supakeep at work, `make test` proves it. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
SAM_VENV := build/sam-cli
SAM := $(CURDIR)/$(SAM_VENV)/bin/sam

export SAM_CLI_TELEMETRY := 0
# SAM CLI and boto3 want a region even where nothing leaves the machine.
export AWS_DEFAULT_REGION ?= us-east-1

# Only what was locked is installed, by its hash; and only wheels, so that no compiler is needed.
LOCKED := --quiet --require-hashes
WHEELS := --only-binary=:all:

SETUP_STAMP := $(VENV)/.setup-stamp
SAM_STAMP := $(SAM_VENV)/.setup-stamp
NODE_STAMPS := devstack/supabase/node_modules/.package-lock.json tests/browser/node_modules/.package-lock.json \
	tests/tools/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(SETUP_STAMP) $(NODE_STAMPS) ## .venv with everything; others call it

.PHONY: sam-cli
sam-cli: $(SAM_STAMP) ## SAM CLI in its own environment; others call it

$(SETUP_STAMP): requirements-dev.txt pyproject.toml
	@$(call check_python)
	@echo "Setting up $(VENV) (once) ..."
	@$(call make_venv,$(VENV))
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt > $(VENV)/uv.txt
	@$(VENV)/bin/python -m pip install $(LOCKED) $(WHEELS) --disable-pip-version-check -r $(VENV)/uv.txt
	@$(call install,$(VENV),requirements-dev.txt,$(WHEELS))
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Without WHEELS: SAM CLI pins a watchdog that has no wheel for the newest Python on macOS, where make comes with a
# compiler.
$(SAM_STAMP): requirements-sam.txt | $(SETUP_STAMP)
	@echo "Setting up SAM CLI in $(SAM_VENV) (once) ..."
	@$(call make_venv,$(SAM_VENV))
	@$(call install,$(SAM_VENV),requirements-sam.txt)
	@touch $@

# npm writes this file last, so its presence means that the installation is whole.
$(NODE_STAMPS): %/node_modules/.package-lock.json: %/package.json %/package-lock.json | $(SETUP_STAMP)
	@echo "Setting up $*/node_modules (once) ..."
	@$(BIN)/python -m devstack.node $*
	@touch $@

define check_python
"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo "Supakeep needs Python 3.11 or newer; '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1 || true). Choose another: make PYTHON=python3.13 setup" >&2; exit 1; }
endef

define make_venv
"$(PYTHON)" -m venv "$(1)" || { \
  echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
endef

# uv takes 4 s where pip takes 56 s, but only pip reads a company's pip configuration (its index, its certificates).
define install
$(VENV)/bin/uv pip sync $(LOCKED) $(3) --python $(1)/bin/python $(2) || { \
  echo "uv could not install $(2); trying pip ..." >&2; \
  $(1)/bin/python -m pip install $(LOCKED) $(3) --disable-pip-version-check -r $(2); }
endef

.PHONY: demo
demo: setup ## embedded stack: back up, wreck, restore, compare, prune
	@$(BIN)/python -m devstack.demo

.PHONY: dev
dev: setup ## the same stack with its HTTP API, until Ctrl-C
	@$(BIN)/python -m devstack.dev

# Processes with servers of their own (tests/conftest.py says how many). A file's tests share what they started, so
# they stay together. Files run in their own order, not those with most tests first: that left the longest tests,
# which stand alone in their files, to the end, where one process worked and the others had nothing to do.
PARALLEL := --numprocesses=auto --dist=loadfile --no-loadscope-reorder

.PHONY: test
test: setup sam-cli ## every test, also in the Lambda runtime (about 12 minutes)
	$(BIN)/pytest $(PARALLEL)

.PHONY: test-fast
test-fast: setup ## the unit tests only: the inner loop (under 20 s)
	$(BIN)/pytest $(PARALLEL) tests/unit

.PHONY: test-hostile
test-hostile: setup sam-cli ## the long hostile cases, and 20 times the examples
	$(BIN)/pytest -m hostile
	EXAMPLES=20 $(BIN)/pytest $(PARALLEL) -m hypothesis

.PHONY: pictures
pictures: setup ## screenshots of the dashboard, those of docs/images too
	@$(BIN)/python -m tests.browser.pictures

.PHONY: faults
faults: setup ## every fault at every call (a part of it: make test)
	$(BIN)/pytest --numprocesses=logical --dist=worksteal --show-capture=no --every-fault tests/faults

.PHONY: fuzz
fuzz: setup ## 10,000 API requests, hostile bytes for every reader
	EXAMPLES=125 $(BIN)/pytest --capture=no --timeout=7200 tests/unit/archive/test_hostile_bytes.py tests/e2e/test_fuzzed_api.py

.PHONY: bench
bench: setup ## measure speed and memory (BENCH=--quick to try it)
	@$(BIN)/python -m bench $(BENCH)

.PHONY: lint
lint: lint-code lint-migrations lint-template ## ruff, mypy, imports, migrations, cfn-lint, sam validate

.PHONY: lint-code
lint-code: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: lint-migrations
lint-migrations: setup
	$(BIN)/python -m devstack.supabase.released_migrations

.PHONY: lint-template
lint-template: sam-cli
	$(BIN)/cfn-lint template.yaml replica.yaml
	$(SAM) validate --lint

.PHONY: format
format: setup ## ruff's fixes and formatting
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# `python3.13` may be a version manager's shim that refuses to run, so each candidate is run once.
PYTHON_3_13 = $(shell for candidate in python3.13 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13*/bin/python3.13; do \
	"$$candidate" -c 'import sys; print(sys.base_prefix + "/bin/python3.13")' 2>/dev/null && break; done)

.PHONY: build
build: sam-cli ## sam build: what `sam deploy` ships, in .aws-sam/
	@test -n "$(PYTHON_3_13)" || { \
	  echo "sam build needs python3.13 on PATH, the template's runtime. Install it, or build in a container: $(SAM) build --use-container" >&2; exit 1; }
# SAM runs make for the layer, which must not inherit this make's variables, such as PYTHON.
	MAKEFLAGS= MAKELEVEL= PATH="$(dir $(PYTHON_3_13)):$$PATH" $(SAM) build

.PHONY: requirements
requirements: setup ## lock requirements again (UPGRADE=--upgrade: newer)
	$(call compile,layers/shared/src/requirements)
	$(call compile,layers/shared/src/requirements-gcs)
	$(call compile,layers/postgres/src/requirements,--no-deps)
	$(call compile,requirements-dev)
	$(call compile,requirements-sam)

# --universal: one file for every platform and every Python from 3.11 on. The header and the index stay out, because
# they describe the machine that compiled it.
define compile
$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate $(UPGRADE) $(2) $(1).in --output-file $(1).txt
endef

.PHONY: clean
clean: ## remove everything that these targets made
	rm -rf $(VENV) build .aws-sam devstack/supabase/node_modules tests/browser/node_modules tests/tools/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
