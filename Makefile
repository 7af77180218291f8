# Everything a newcomer needs: Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.made-from-lock

.PHONY: env demo test lint bench bench-wire fuzz-lease bench-peers bench-scenes bench-predict fault-matrix soak lock clean

env: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gatekeeper needs Python 3.11 or newer; name one with: make env PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: env
	$(BIN)/gatekeeper demo

test: env
	$(BIN)/python -m pytest

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

# A million random and mutated messages against the interlock.
fuzz-lease: env
	$(BIN)/python -m benchmarks.lease_fuzz

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

# Two runs of 200,000 frames: memory flat, latency steady, the same decisions.
soak: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.soak

# Gating with and without prediction:  make bench-predict  or  make bench-predict PREDICT="--plot trace.png --json"
bench-predict: env
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.prediction $(PREDICT)

# Regenerate the lock after a change of dependencies in pyproject.toml.
lock:
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .benchmarks .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
