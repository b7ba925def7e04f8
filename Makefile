# Each target sets itself up on a machine with Python 3.11, make and git.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export LINKED_CARE_HOME ?= $(CURDIR)/data
export LINKED_CARE_STATE ?= $(LINKED_CARE_HOME)/dagster
export DAGSTER_HOME ?= $(CURDIR)

.PHONY: run test check bench bench-dve bench-feeds bench-pricing fuzz page setup

run: setup ## synthetic deliveries if none have landed, then the nightly job
	@ls $(LINKED_CARE_HOME)/landing/*/*/delivery.json >/dev/null 2>&1 || $(BIN)/linked-care synthesise
	@$(BIN)/linked-care nightly

test: setup ## all tests, two files at a time
	$(BIN)/pytest --numprocesses 2 --dist loadfile

check: setup ## what CI checks before the tests: style, types, SQL, contracts, prices
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pipelines.portable_sql sql
	$(BIN)/linked-care contract lint
	$(BIN)/linked-care contract diff --all
	$(BIN)/linked-care prices lint national

bench: setup ## measures time, memory and growth, as ratios, in one run
	$(BIN)/python -m benchmarks

bench-dve: setup .venv-dve/.done ## the intake beside NHS England's Data Validation Engine, in an environment of its own
	$(BIN)/python -m benchmarks.validation_engine --engine .venv-dve/bin/python

bench-feeds: setup ## the feed step on 12 million rows against the floor, and one CSV of 5 GB: takes minutes and 10 GB of disk
	$(BIN)/python -m benchmarks.feed_step --large

bench-pricing: setup ## 35 million rows of a built county's care, priced, beside the same rows rewritten: needs 8 GB of disk
	$(BIN)/python -m benchmarks.pricing --home $(LINKED_CARE_HOME) --rows 35000000

fuzz: setup ## ten minutes of spoiling deliveries at random: each is read, or refused in one line
	$(BIN)/python -m tests.malformed.fuzz --seconds 600

page: setup ## the Dagster page, with schedule and sensor, at localhost:3000
	@mkdir -p $(LINKED_CARE_STATE)
	$(BIN)/dagster dev

setup: .venv/.done

.venv/.done: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Python 3.11 is needed; set PYTHON to it."; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv-dve/.done: benchmarks/requirements-dve.lock
	@$(PYTHON) -m venv .venv-dve
	@.venv-dve/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements-dve.lock
	@touch $@
