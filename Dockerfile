# gatekeeper as an algorithm of the TrackRAD2025 challenge: one case under /input, the target on its frames under /output.
#
#     docker build --tag gatekeeper-trackrad .
#     docker run --rm --network none --volume "$CASE:/input:ro" --volume "$OUT:/output" gatekeeper-trackrad

FROM --platform=linux/amd64 python:3.11 AS build

RUN python -m venv /opt/gatekeeper
ENV PATH=/opt/gatekeeper/bin:$PATH
WORKDIR /build
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.lock
COPY LICENSE README.md pyproject.toml ./
COPY gatekeeper gatekeeper
COPY kernels kernels
COPY replay replay
RUN python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .
# What builds the package is in the lock, too, and is not needed to run it.
RUN python -m pip uninstall --yes editables hatchling pathspec pluggy tomlkit trove-classifiers

FROM --platform=linux/amd64 python:3.11-slim

COPY --from=build /opt/gatekeeper /opt/gatekeeper
RUN useradd --create-home --uid 1000 gatekeeper \
    && install --directory --owner gatekeeper /input /output /opt/kernels
USER gatekeeper
WORKDIR /output
# Kernels are compiled here, for any processor with AVX2, and not while a case waits. Without the list of features, which
# would be that of this processor, they are found on any other. Every user can read them.
ENV PATH=/opt/gatekeeper/bin:$PATH NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES= NUMBA_CACHE_DIR=/opt/kernels
RUN umask 022 && python -c "from gatekeeper.cli.compilation import compile_kernels; compile_kernels()"

ENTRYPOINT ["gatekeeper", "trackrad", "run", "--input", "/input", "--output", "/output"]
