# Every target is the single command that CI runs. `make` lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DATA   ?=
EXPERIMENT ?=
MODEL  ?= models/latest
PORT   ?= 5000

.DEFAULT_GOAL := help
.PHONY: help setup train prove ladder report test test-slow score ui lint bench notebooks lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv with the versions pinned in requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; select another: make PYTHON=python3.12" >&2; exit 2; }
	@echo "setting up $(VENV) from requirements.lock (a few minutes, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

train: $(READY) ## train and track a model; DATA=path (default: data/raw, else the sample corpus), EXPERIMENT=name or file
	@$(BIN)/imr-ml train $(if $(DATA),--data "$(DATA)") $(if $(EXPERIMENT),--experiment "$(EXPERIMENT)")

prove: $(READY) ## train, and print the permutation test, masking comparison and slices; DATA as for train
	@$(BIN)/imr-ml train --proof --slices $(if $(DATA),--data "$(DATA)")

ladder: $(READY) ## train, and compare simpler and more complex models on the same folds; DATA as for train
	@$(BIN)/imr-ml train --ladder $(if $(DATA),--data "$(DATA)")

report: $(READY) ## print where the report page of MODEL=models/latest is
	@$(BIN)/imr-ml report "$(MODEL)"

test: $(READY) ## run the fast tests
	@$(BIN)/pytest -m "not slow"

test-slow: $(READY) ## run the slow tests: new environments, servers, browsers, Spark, killed processes
	@$(BIN)/pytest -m slow

score: $(READY) ## score INPUT=requests.csv into OUTPUT=scored.csv with MODEL=models/latest
	@$(if $(and $(INPUT),$(OUTPUT)),,echo "name both files: make score INPUT=requests.csv OUTPUT=scored.csv" >&2; exit 2;) \
	$(BIN)/imr-ml score "$(INPUT)" --output "$(OUTPUT)" --model "$(MODEL)"

ui: $(READY) ## open the MLflow UI on PORT=5000
	@$(BIN)/imr-ml ui --port $(PORT)

lint: $(READY) ## check style, types and import rules
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

bench: $(READY) ## measure on real letters: LETTERS=folder with PDFs and outcomes.jsonl
	@$(BIN)/python -m benchmarks $(if $(LETTERS),"$(LETTERS)")

notebooks: $(READY) ## run the notebooks on the sample corpus
	@$(BIN)/python -m notebooks.run

lock: ## rewrite requirements.lock from the ranges in pyproject.toml
	@$(BIN)/pip-compile --quiet --extra dev --extra notebooks --strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header --allow-unsafe --output-file requirements.lock pyproject.toml

clean: ## remove .venv, caches and the sample corpus; keep letters, models and runs
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist data/sample
