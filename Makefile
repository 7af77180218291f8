# Everything a newcomer needs: Python 3.11 or newer, and make. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
RUN_LOCK := .venv/.requirements
INSTALLED := .venv/.installed
ANALYSIS_LOCK := .venv/.requirements-analysis
DEV_LOCK := .venv/.requirements-dev
# At a terminal pip shows its progress; elsewhere the line before each step is enough.
PIP := $(BIN)/python -m pip --disable-pip-version-check install $(if $(MAKE_TERMOUT),,--quiet)

# Tests start many processes; modules that are compiled once start faster, whatever the caller's environment says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

##@ Start

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z][a-z-]*:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

.PHONY: env
env: $(INSTALLED) ## Make .venv with what running needs

$(RUN_LOCK): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gatekeeper needs Python 3.11 or newer; name one with: make $(or $(MAKECMDGOALS),env) PYTHON=python3.11")'
	@echo "Installing what running needs into .venv (280 MB to download, 1.1 GB on disk)"
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes --requirement requirements.lock
	@touch $@

$(INSTALLED): pyproject.toml $(RUN_LOCK)
	@echo "Installing gatekeeper into .venv"
	@$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@echo "Compiling the kernels"
	@$(BIN)/python -c 'from gatekeeper.cli.compilation import compile_kernels; compile_kernels()'
	@touch $@

.PHONY: env-analysis
env-analysis: $(ANALYSIS_LOCK) ## Add what cohorts, sweeps and tables in Python need

$(ANALYSIS_LOCK): requirements-analysis.lock $(RUN_LOCK) | $(INSTALLED)
	@echo "Installing what cohorts and sweeps need into .venv (90 MB to download, 0.4 GB on disk)"
	@$(PIP) --require-hashes --requirement requirements-analysis.lock
	@touch $@

.PHONY: dev
dev: $(DEV_LOCK) ## Add the tools for tests, lint and documents to .venv

$(DEV_LOCK): requirements-dev.lock $(RUN_LOCK) | $(INSTALLED)
	@echo "Installing the tools for tests, lint and documents into .venv (240 MB to download, 0.9 GB on disk)"
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@touch $@

.PHONY: demo
demo: env ## Track and gate a synthetic case, with a report
	@$(BIN)/gatekeeper demo

# Forty phantom sessions of eight courses, with marks and outcomes, for `gatekeeper course` and `cohort`: COHORT=folder
COHORT ?= cohort
.PHONY: cohort
cohort: env ## Make a cohort of phantom sessions to try
	@$(BIN)/python -m replay.made_cohort $(COHORT)

##@ Check

# Linear algebra on one thread, as the command line sets it: its idle threads would spin beside the loop and other tests.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m

# What asserts times runs one after the other and undisturbed; everything else on two cores at once.
TIMED := tests/realtime
PARALLEL := --numprocesses 3 --dist worksteal

.PHONY: test
test: dev ## Run the tests, within six minutes
	$(ONE_THREAD) pytest $(PARALLEL) -m "not slow" --ignore=$(TIMED)
	$(ONE_THREAD) pytest -m "not slow" $(TIMED)

.PHONY: test-slow
test-slow: dev ## Run the tests of accuracy, the matrices, and those with programs of others
	$(ONE_THREAD) pytest $(PARALLEL) --numprocesses 4 -m slow --ignore=$(TIMED)
	$(ONE_THREAD) pytest -m slow $(TIMED)

.PHONY: lint
lint: dev ## Check format, style, types, docstrings and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/numpydoc lint $$(find gatekeeper kernels replay -name '*.py')
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: docs
docs: dev ## Build the documentation into docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

.PHONY: golden
golden: dev ## Write the golden journals in tests/golden anew
	$(BIN)/python -m tests.golden.write

##@ Measure

.PHONY: bench
bench: dev ## Time every stage beside its budget
	$(BIN)/python -m benchmarks

# On every labelled case in ../shared/cine, a phantom, targets of all sizes and half-real cases, or on some of these or
# others, by name or path: make bench-peers A1_v liver  or, with options too,  make bench-peers CASE="liver --seeds 1 2"
ifeq (bench-peers,$(firstword $(MAKECMDGOALS)))
NAMED := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
.PHONY: $(NAMED)
$(NAMED): ; @:
endif

.PHONY: bench-peers
bench-peers: dev ## Compare with other trackers: [CASE...]
	$(ONE_THREAD) benchmarks.peers $(NAMED) $(CASE)

# Some, with options: make bench-scenes SCENES="deep-breath cough --seeds 1 2 --json", SCENES="--sizes liver kidney",
# SCENES="--states liver" or SCENES="--half-real A1"
.PHONY: bench-scenes
bench-scenes: dev ## Track hard scenes with exact truth: [SCENES="..."]
	$(ONE_THREAD) benchmarks.scenes $(SCENES)

# Some, or other phantoms: make bench-priors PRIORS="jump path --seeds 1 2 --json"
.PHONY: bench-priors
bench-priors: dev ## Track with each prior halved, doubled and off: [PRIORS="..."]
	$(ONE_THREAD) benchmarks.priors $(PRIORS)

# Options: make bench-predict PREDICT="--plot trace.png --json"
.PHONY: bench-predict
bench-predict: dev ## Gate with and without prediction: [PREDICT="..."]
	$(ONE_THREAD) benchmarks.prediction $(PREDICT)

# Options: make bench-forecast FORECAST="--traces DIR --cine DIR --json"
.PHONY: bench-forecast
bench-forecast: dev ## Forecast duty cycles from previews, beside the gate: [FORECAST="..."]
	$(ONE_THREAD) benchmarks.forecast $(FORECAST)

# From the last byte of a frame to the lease at the interlock, over TCP between processes.
.PHONY: bench-wire
bench-wire: dev ## Time a frame's last byte to the lease at the interlock
	$(ONE_THREAD) benchmarks.wire

# At 4, 8 and 24 frames/s beside processes that walk through memory. Growth as well, 5 min, with a picture:
#   make bench-cold COLD="--scale --plot growth.png"
.PHONY: bench-cold
bench-cold: dev ## Time cold frames at a scanner's pace: [COLD="..."]
	$(ONE_THREAD) benchmarks.cold $(COLD)

.PHONY: bench-linac
bench-linac: dev ## Time a decision to its last byte, for each linac port
	$(BIN)/python -m benchmarks.linac_ports

# Some of the sources: make bench-sources SOURCES="mrd --json"
.PHONY: bench-sources
bench-sources: dev ## Time live sources through the loop: [SOURCES="..."]
	$(ONE_THREAD) benchmarks.source_wire $(SOURCES)

# Shorter: make bench-console LOAD="--seconds 20 --fifo-priority 10"
.PHONY: bench-console
bench-console: dev ## What the console costs the loop, 12 min: [LOAD="..."]
	$(ONE_THREAD) benchmarks.console_load $(LOAD)
	$(ONE_THREAD) benchmarks.console_cold

# Beside the import of NumPy, Numba and h5py: make bench-startup STARTUP="--runs 9"
.PHONY: bench-startup
bench-startup: dev ## Time commands from start to end: [STARTUP="..."]
	$(BIN)/python -m benchmarks.startup $(STARTUP)

# A session of 20 minutes, or one that is there already: make bench-report REPORT="--session DIR"
.PHONY: bench-report
bench-report: dev ## Write and open a long report, 3 min: [REPORT="..."]
	$(BIN)/python -m benchmarks.report_load $(REPORT)

# A session of 20 minutes, asked over HTTP as the page asks.
.PHONY: bench-what-if
bench-what-if: dev ## Time what-if on a long session, 3 min: [WHAT_IF="..."]
	$(BIN)/python -m benchmarks.what_if_load $(WHAT_IF)

# Fewer or smaller: make bench-opening OPENING="--files 600"
.PHONY: bench-opening
bench-opening: dev ## Open a DICOM cine of 4,800 files, 6 min: [OPENING="..."]
	$(BIN)/python -m benchmarks.opening $(OPENING)

# Fewer or smaller: make bench-cohort INDEX="--sessions 1000 --frames 24"
.PHONY: bench-cohort
bench-cohort: dev ## Index 10,000 sessions, 3 min: [INDEX="..."]
	$(ONE_THREAD) benchmarks.cohort_load $(INDEX)

# Fewer or smaller: make bench-sweep SWEEP="--cases 6 --frames 120"
.PHONY: bench-sweep
bench-sweep: dev ## Sweep 24 cases on one core and on two, 2 min: [SWEEP="..."]
	$(ONE_THREAD) benchmarks.sweep_load $(SWEEP)

##@ Attack

# Some or shorter: make attack ATTACK="--only NAME" or ATTACK=--quick. The table is part of docs/explanation/safety.md.
.PHONY: attack
attack: dev ## Attack sessions, compare with stated limits: [ATTACK="..."]
	$(ONE_THREAD) benchmarks.attacks $(ATTACK)

.PHONY: fuzz-lease
fuzz-lease: dev ## Send a million bad messages to the interlock
	$(BIN)/python -m benchmarks.lease_fuzz

# Some or fewer: make fuzz-faces FUZZ="console --count 5000"
.PHONY: fuzz-faces
fuzz-faces: dev ## Send 100,000 bad messages to each face: [FUZZ="..."]
	$(BIN)/python -m benchmarks.face_fuzz $(FUZZ)

# Some or fewer: make fuzz-sources FUZZ="mrd --count 5000"
.PHONY: fuzz-sources
fuzz-sources: dev ## Send 100,000 bad messages to each source: [FUZZ="..."]
	$(BIN)/python -m benchmarks.source_fuzz $(FUZZ)

# Writes its table into docs/explanation/safety.md.
.PHONY: fault-matrix
fault-matrix: dev ## Exposure at every fault, 15 min: [FAULTS="..."]
	$(ONE_THREAD) benchmarks.fault_matrix --write docs/explanation/safety.md $(FAULTS)

# Every source with every way to a linac, two minutes each; fewer or longer:
#   make session-matrix SESSIONS="--sources mrd --linacs lease --seconds 1200"
.PHONY: session-matrix
session-matrix: dev ## Live sessions of all parts, 45 min: [SESSIONS="..."]
	$(ONE_THREAD) benchmarks.session_matrix $(SESSIONS)

.PHONY: soak
soak: dev ## Run 200,000 frames twice, compare memory and latency
	$(ONE_THREAD) benchmarks.soak

.PHONY: soak-live
soak-live: dev ## Run 200,000 frames through a live session, compare memory
	$(ONE_THREAD) benchmarks.live_soak

##@ Maintain

# Needs Chromium.
.PHONY: pictures
pictures: dev ## Make the pictures and the example report, 1 min
	$(BIN)/python -m benchmarks.pictures

# One version of each package for every Python, as `gatekeeper verify` compares the last bits of numbers; developers get
# the versions that running has. After a change of dependencies in pyproject.toml; to take newer versions:
#   make lock UPGRADE=--upgrade
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --no-annotate --no-header $(UPGRADE)

.PHONY: lock
lock: dev ## Resolve the dependencies into the three locks anew
	$(COMPILE) --group build --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra analysis --constraint requirements.lock --output-file requirements-analysis.lock pyproject.toml
	$(COMPILE) --extra analysis --group dev --constraint requirements.lock --constraint requirements-analysis.lock \
		--output-file requirements-dev.lock pyproject.toml

.PHONY: clean
clean: ## Delete .venv and everything that was built or cached
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .benchmarks .hypothesis docs/_build docs/reference/api
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
