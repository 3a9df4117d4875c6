# The doors of the project. `make help` lists them.
# The lock files in requirements/ are what every command installs, with hashes.
PYTHON ?= python3
DEV := .venv
DEMO := .venv-demo
BIN := $(DEV)/bin

# Where it is set, each of many processes compiles the same modules and tests anew.
unexport PYTHONDONTWRITEBYTECODE

SIM_SEEDS ?= 3
SEEDS ?= 500
NIGHTS ?= 1

FUZZ := .venv-fuzz
FUZZ_S ?= 60

.PHONY: help demo test check sim judge bench fuzz lock format

help:
	@echo "make demo    install into $(DEMO) and play a night on a simulated ward on this machine"
	@echo "make test    install what the tests need (mosquitto, postgresql, chromium, npm), then make check and make sim"
	@echo "make check   format, lint, types, import contracts, scripts, tests"
	@echo "make sim     $(SIM_SEEDS) simulated nights in which everything breaks, judged (minutes)"
	@echo "make judge   the slow tests (planted bugs, five minutes of kills on each database), $(SEEDS) such nights, and a year through"
	@echo "             the rules (an hour; SEEDS=2000 NIGHTS=3 for more, SEED=7 for another year)"
	@echo "make bench   measure speed and memory beside floors of the same run: one table (about ten minutes)"
	@echo "make fuzz    search for inputs that break a driver, guided by coverage, $(FUZZ_S) s (FUZZ_S=600 for longer)"
	@echo "make lock    renew requirements/*.lock from pyproject.toml (needs uv)"

$(DEMO)/.stamp: requirements/demo.lock pyproject.toml tools/venv.sh
	PYTHON=$(PYTHON) tools/venv.sh $(DEMO) requirements/demo.lock

$(DEV)/.stamp: requirements/dev.lock pyproject.toml tools/venv.sh
	PYTHON=$(PYTHON) tools/venv.sh $(DEV) requirements/dev.lock

node_modules/.stamp: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

demo: $(DEMO)/.stamp
	@exec $(DEMO)/bin/nattevakt-sim demo

test:
	tools/install_test_parts.sh
	$(MAKE) check
	$(MAKE) sim

check: $(DEV)/.stamp node_modules/.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@# mypy keeps one processor busy; another compiles the tests meanwhile, or each of six processes would.
	$(BIN)/python -m pytest --collect-only -qq -m "not judge" >/dev/null 2>&1 & $(BIN)/mypy; found=$$?; wait; exit $$found
	$(BIN)/lint-imports --no-cache
	npm run --silent check
	$(BIN)/python -m pytest -n 6 --no-loadscope-reorder -m "not judge" $(PYTEST)

sim: $(DEV)/.stamp
	$(BIN)/nattevakt-sim explore --seeds $(SIM_SEEDS) --faults hard

judge: $(DEV)/.stamp
	$(BIN)/nattevakt-sim explore --seeds $(SEEDS) --nights $(NIGHTS) --faults hard
	$(BIN)/python -m pytest -m judge $(PYTEST)
	$(BIN)/nattevakt-sim year $(if $(SEED),--seed $(SEED))

bench: $(DEV)/.stamp node_modules/.stamp
	$(BIN)/python -m bench $(PART)

$(FUZZ)/.stamp: requirements/fuzz.lock pyproject.toml tools/venv.sh
	PYTHON=$(PYTHON) tools/venv.sh $(FUZZ) requirements/fuzz.lock

# What it finds stays in $(FUZZ)/found; an input that broke something is named crash-*: mend it, move it to the corpus.
fuzz: $(FUZZ)/.stamp
	@mkdir -p $(FUZZ)/found
	$(FUZZ)/bin/python -m tests.fuzz.run -max_total_time=$(FUZZ_S) -max_len=4098 -timeout=10 -rss_limit_mb=2048 \
	  -artifact_prefix=$(FUZZ)/ $(FUZZ)/found tests/fuzz/corpus

format: $(DEV)/.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:
	tools/lock.sh
