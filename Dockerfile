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

FROM --platform=linux/amd64 python:3.11-slim

COPY --from=build /opt/gatekeeper /opt/gatekeeper
RUN useradd --create-home --uid 1000 gatekeeper \
    && install --directory --owner gatekeeper /input /output
USER gatekeeper
WORKDIR /home/gatekeeper
# Kernels are compiled here, for any processor with AVX2, and not while a case waits.
ENV PATH=/opt/gatekeeper/bin:$PATH NUMBA_CPU_NAME=x86-64-v3 NUMBA_CACHE_DIR=/home/gatekeeper/kernels
RUN python -c "from gatekeeper.cli.compilation import compile_kernels; compile_kernels()"

ENTRYPOINT ["gatekeeper", "trackrad", "run", "--input", "/input", "--output", "/output"]
