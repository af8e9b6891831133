# Everything a developer needs, with Python >= 3.11 and make alone. `make` lists the targets.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PORT ?= 8000
DATA_DIR ?= .data
VENV ?= .venv
ARGS ?=

python := $(VENV)/bin/python
export DATA_DIR
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: $(VENV)/.quickstart ## Serve the product [PORT=8000] [DATA_DIR=.data]; Ctrl-C stops all of it
	@OBSERVATORY_ENDS_WITH=$$PPID exec $(python) manage.py quickstart --port "$(PORT)"

.PHONY: demo
demo: $(VENV)/.quickstart ## The same, with sample data
	@OBSERVATORY_ENDS_WITH=$$PPID exec $(python) manage.py quickstart --port "$(PORT)" --demo

.PHONY: test
test: $(VENV)/.dev ## Run the tests, three at a time; or some of them, one by one [ARGS="tests/house -k lock"]
	@exec $(python) -m pytest $(or $(ARGS),--numprocesses 3)

.PHONY: test-clients
test-clients: $(VENV)/.dev ## Run real senders against the product: openlineage-python, dbt-ol, Airflow and Cosmos, Spark and Flink (Java 17), Trino (Java 24) [ARGS="-k old"]
	@exec $(python) -m pytest -o faulthandler_timeout=3600 tests/senders $(ARGS)

.PHONY: test-faults
test-faults: $(VENV)/.dev ## Break the product for an hour: killed processes, a database away, a full disk
	@FAULTS=long exec $(python) -m pytest -o faulthandler_timeout=0 tests/faults $(ARGS)

.PHONY: test-api-schema
test-api-schema: $(VENV)/.dev ## Send 10,000 requests made from the OpenAPI document (schemathesis), 15 minutes
	@FAULTS=long exec $(python) -m pytest -o faulthandler_timeout=0 tests/faults/fuzz/test_described_requests.py $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## Check style, types, imports, templates, migrations and the house rules
	@exec .ci/lint $(VENV)

.PHONY: audit
audit: .venv-audit/.installed ## Look for known vulnerabilities (asks the package index) and unsafe code
	@.venv-audit/bin/bandit --quiet --recursive --severity-level high \
		api audit connections lineage observability people pull quickstart server web manage.py
	@.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements/quickstart.lock $(ARGS)

.PHONY: format
format: $(VENV)/.dev ## Rewrite the code as ruff formats it
	@$(python) -m ruff check --fix-only --quiet . && $(python) -m ruff format .

.PHONY: css
css: $(VENV)/.dev ## Take from Tabler's style sheet what pages use
	@exec $(python) -m vendor.trim

.PHONY: pictures
pictures: $(VENV)/.dev ## Take the pictures of the README from the product with sample data
	@exec $(python) -m tests.browser.pictures

.PHONY: bench
bench: $(VENV)/.dev ## Measure the product beside its references, 25 minutes [ARGS="--quick"] [ARGS="--help"]
	@exec $(python) -m bench $(ARGS)

.PHONY: bench-marquez
bench-marquez: $(VENV)/.dev ## Measure the intake beside Marquez; needs Java 17 and Maven [ARGS="--jar PATH"]
	@exec $(python) -m bench --only marquez $(ARGS)

# Keeps the pins that still fit; ARGS=--upgrade moves all of them. See docs/decisions/0001.
# Old senders have a date: their packages are those of their time, with which they were tested and installed.
pin := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --no-strip-extras
compile := $(pin) pyproject.toml

.PHONY: lock
lock: $(VENV)/.dev ## Pin every package again from pyproject.toml [ARGS=--upgrade]
	@$(python) -m $(compile) --extra quickstart --group dev --output-file requirements/dev.lock $(ARGS)
	@$(python) -m $(compile) --extra quickstart --output-file requirements/quickstart.lock \
		--constraint requirements/dev.lock $(ARGS)
	@$(python) -m $(compile) --output-file requirements/production.lock --constraint requirements/dev.lock $(ARGS)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements/dev.lock > requirements/installer.lock
	@$(python) -m $(pin) --group pyproject.toml:clients \
		--output-file requirements/clients.lock $(ARGS)
	@$(python) -m $(pin) --group pyproject.toml:airflow \
		--output-file requirements/airflow.lock $(ARGS)
	@$(python) -m $(pin) --group pyproject.toml:spark \
		--output-file requirements/spark.lock $(ARGS)
	@$(python) -m $(pin) --group pyproject.toml:cosmos \
		--output-file requirements/cosmos.lock $(ARGS)
	@$(python) -m $(pin) --group pyproject.toml:flink \
		--output-file requirements/flink.lock $(ARGS)
	@$(python) -m $(pin) --group pyproject.toml:dbt-1.30 --exclude-newer 2025-04-01 \
		--output-file requirements/dbt-1.30.lock $(ARGS)
	@$(python) -m $(pin) --group pyproject.toml:dbt-1.43 --exclude-newer 2026-02-01 \
		--output-file requirements/dbt-1.43.lock $(ARGS)
	@$(python) -m $(pin) --group pyproject.toml:airflow-2.9 --exclude-newer 2024-09-15 \
		--output-file requirements/airflow-2.9.lock $(ARGS)
	@$(python) -m $(pin) --group pyproject.toml:airflow-2.11 \
		--output-file requirements/airflow-2.11.lock $(ARGS)
	@$(python) -m $(pin) --group pyproject.toml:audit \
		--output-file requirements/audit.lock $(ARGS)
	@requirements/pin-extras requirements/*.lock

.PHONY: clean
clean: ## Remove the environment and what tools left behind (never DATA_DIR)
	rm -rf $(VENV) .venv-airflow .venv-airflow-2.9 .venv-airflow-2.11 .venv-audit .venv-clients .venv-dbt-1.30 .venv-dbt-1.43 .venv-spark .venv-trino staticfiles .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# --- The environment --------------------------------------------------------------------------------------
# A stamp for each lock: as long as it is newer than the lock, a start installs nothing.

$(VENV)/.quickstart: requirements/quickstart.lock requirements/installer.lock
	@requirements/install $(VENV) requirements/quickstart.lock
	@touch $@

$(VENV)/.dev: requirements/dev.lock requirements/installer.lock
	@requirements/install $(VENV) requirements/dev.lock
	@touch $@ $(VENV)/.quickstart

.venv-audit/.installed: requirements/audit.lock requirements/installer.lock
	@requirements/install .venv-audit requirements/audit.lock
	@touch $@
