#!/bin/sh
# Makes the locks again, for every platform and Python that pyproject.toml admits, and lists the
# lowest versions that it admits: pip install uv, then requirements/compile.sh. Plain pip installs
# the locks: pip install --require-hashes -r FILE.
set -eu
cd "$(dirname "$0")/.."
lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url "$@"
}
lock --extra asv --extra bfloat16 pyproject.toml requirements/build.in -o requirements/run.txt
lock --extra dev -c requirements/run.txt pyproject.toml requirements/build.in -o requirements/dev.txt
lock --extra docs -c requirements/dev.txt pyproject.toml requirements/build.in -o requirements/docs.txt
lock requirements/release.in requirements/build.in -o requirements/release.txt

# Of each package that pyproject.toml names, the lowest version with a wheel: constraints for pip.
for python in 3.11 3.12 3.13 3.14; do
    uv pip compile --quiet --resolution lowest-direct --only-binary :all: --no-header \
        --no-annotate --no-emit-index-url --python-version "$python" --python-platform linux \
        --extra narrow pyproject.toml -o "requirements/lowest-$python.txt"
done
