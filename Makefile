# Two commands do everything: `make run` and `make test`. Both need Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test check lint types imports format golden fuzz accuracy peers oracle release pictures clean

help: ## Show what there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

$(BIN)/.run: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fittingroom needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --upgrade-deps $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bot,exporter]'
	@touch $@

$(BIN)/.dev: $(BIN)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev
	@touch $@

run: $(BIN)/.run ## Start the exporter, answer the seed question, then take questions (and Slack's, with tokens)
	@$(BIN)/python -m bot.local

test: $(BIN)/.dev check ## Lint, types, import directions and every test
	$(BIN)/python -m pytest

check: lint types imports ## What CI checks before the tests

lint: $(BIN)/.dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/.dev ## mypy, strict
	$(BIN)/mypy

imports: $(BIN)/.dev ## Who may import whom
	$(BIN)/lint-imports

format: $(BIN)/.dev ## Let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(BIN)/.dev ## Write the golden files anew; read the diff before you commit it
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q -k golden

fuzz: $(BIN)/.dev ## Try whatever can be typed or read for ten minutes a part: questions, configs, GGUF and safetensors headers
	$(BIN)/python -m tests.fuzz

accuracy: $(BIN)/.dev ## Score the estimator, and its peers beside it, on the recorded evidence; writes docs/accuracy.md
	-$(BIN)/python -m benchmarks.accuracy.peers
	$(BIN)/python -m benchmarks.accuracy

peers: $(BIN)/.dev ## Install other estimators into .peers, ask them the scored cases, record what they say
	$(BIN)/python -m benchmarks.accuracy.peers

oracle: $(BIN)/.dev ## Build llama.cpp, ask it what it allocates, record that, and fail where the estimator differs
	$(BIN)/python -m benchmarks.oracle

$(BIN)/.deploy: $(BIN)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group deploy
	@touch $@

release: $(BIN)/.deploy ## Wheel, source distribution, chart, bills of materials and checksums into dist/, tried out
	$(BIN)/python -m deploy.release

pictures: $(BIN)/.dev ## Take the pictures of the documentation anew, from the real thing
	$(BIN)/python -m tests.pictures

clean: ## Remove what make built
	rm -rf $(VENV) .peers .oracle dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
