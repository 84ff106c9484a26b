PYTHON ?= python3
BIN := .venv/bin

.PHONY: report test clean

report: .venv/ready
	$(BIN)/softmax-harness run --out softmax-report

test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -q

# The stamp is written last, so that a half-made environment is made again.
.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it with make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -e '.[dev]'
	touch $@

clean:
	rm -rf .venv softmax-report
