#!/bin/sh
# Makes the two locks again, for every platform and Python that pyproject.toml admits: pip install
# uv, then requirements/compile.sh. Plain pip installs them: pip install --require-hashes -r FILE.
set -eu
cd "$(dirname "$0")/.."
lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url "$@"
}
lock --extra asv --extra bfloat16 pyproject.toml requirements/build.in -o requirements/run.txt
lock --extra dev -c requirements/run.txt pyproject.toml requirements/build.in -o requirements/dev.txt
