# Everything a newcomer needs: Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.made-from-lock

.PHONY: env demo test lint bench bench-console bench-report bench-what-if pictures bench-wire bench-linac bench-sources fuzz-lease fuzz-sources bench-peers bench-scenes bench-predict fault-matrix session-matrix soak lock clean

env: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gatekeeper needs Python 3.11 or newer; name one with: make env PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: env
	$(BIN)/gatekeeper demo

# What only computes runs on two cores at once; then, one after the other and undisturbed, what runs in real time.
TIMED := tests/realtime tests/interop

test: env
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(TIMED:%=--ignore=%)
	$(BIN)/python -m pytest $(TIMED)

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: env
	$(BIN)/python -m benchmarks

# From the last byte of a frame to the lease at the interlock, over TCP between processes.
bench-wire: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.wire

# From a decision to its last byte at the far end, for each linac port.
bench-linac: env
	$(BIN)/python -m benchmarks.linac_ports

# The same through live sources and the loop, beside the bare bytes; some of them:  make bench-sources SOURCES="mrd --json"
bench-sources: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.source_wire $(SOURCES)

# A million random and mutated messages against the interlock.
fuzz-lease: env
	$(BIN)/python -m benchmarks.lease_fuzz

# 100,000 random, mutated and truncated messages against each live source; some or fewer:  make fuzz-sources FUZZ="mrd --count 5000"
fuzz-sources: env
	$(BIN)/python -m benchmarks.source_fuzz $(FUZZ)

# Beside the tools that people use today: on every labelled case in ../shared/cine and a phantom, or on some of these
# or others, by name or path:  make bench-peers A1_v phantom  or, with options too,  make bench-peers CASE="A1_v --json"
ifeq (bench-peers,$(firstword $(MAKECMDGOALS)))
NAMED := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
.PHONY: $(NAMED)
$(NAMED): ; @:
endif

bench-peers: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.peers $(NAMED) $(CASE)

# Hard scenes with exact truth, and whether confidence can be believed; options go into SCENES:
#   make bench-scenes SCENES="deep-breath cough --seeds 1 2 --json"
bench-scenes: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.scenes $(SCENES)

# Every fault against real processes over the loopback; writes its table into docs/safety.md. About six minutes.
fault-matrix: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.fault_matrix --write docs/safety.md $(FAULTS)

# Whole live sessions over the loopback, two minutes each, every source with every way to a linac. About 45 minutes;
# fewer or shorter:  make session-matrix SESSIONS="--sources mrd --linacs lease --seconds 1200"
session-matrix: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.session_matrix $(SESSIONS)

# Two runs of 200,000 frames: memory flat, latency steady, the same decisions.
soak: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.soak

# Gating with and without prediction:  make bench-predict  or  make bench-predict PREDICT="--plot trace.png --json"
bench-predict: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.prediction $(PREDICT)

# What the console and its browsers cost the loop; about twelve minutes, or shorter:
#   make bench-console LOAD="--seconds 20 --fifo-priority 10"
bench-console: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.console_load $(LOAD)

# The report of a session of 20 minutes: written, its size, and opened in Chromium. Three minutes; of a session that is
# there already:  make bench-report REPORT="--session DIR"
bench-report: env
	$(BIN)/python -m benchmarks.report_load $(REPORT)

# What-if on a session of 20 minutes, asked over HTTP as the page asks. Three minutes.
bench-what-if: env
	$(BIN)/python -m benchmarks.what_if_load $(WHAT_IF)

# The pictures of the README and docs/example-report.html, from one session of the phantom. A minute, and Chromium.
pictures: env
	$(BIN)/python -m benchmarks.pictures

# Regenerate the lock after a change of dependencies in pyproject.toml.
lock:
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .benchmarks .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
