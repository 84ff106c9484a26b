PYTHON ?= python3
BIN := .venv/bin

.PHONY: report timings speed survey survey-cuda test check docs transcripts links gallery picture clean

report: timings
	$(BIN)/softmax-harness run --time --out softmax-report

# The report's history over commits; its times are its own. A failed benchmark must not cost it.
timings: .venv/ready
	@if ! { [ -e .git ] && git rev-parse --quiet --verify HEAD; } >/dev/null 2>&1; then \
	  echo "The history is left out: asv files them under a commit, and git finds none here."; \
	else \
	  echo "Adding this commit to asv's history, in .asv/ ..." && mkdir -p .asv && \
	  { $(BIN)/asv machine --yes && \
	    PYTHONUNBUFFERED=1 $(BIN)/asv run --python=same --set-commit-hash HEAD --launch-method forkserver \
	      --bench "$$($(BIN)/python harness/benchmarks/shown.py)" -a rounds=2 --show-stderr || \
	    echo "asv ended with an error, and the history may lack this commit: see .asv/timings.log"; \
	  } | tee .asv/timings.log | while IFS= read -r line; do \
	    case "$$line" in *===*) ;; "["* | "asv ended"*) echo "  $$line" ;; esac; \
	  done; \
	fi

# The table of docs/method/speed.md: how fast the harness itself is.
speed: .venv/ready-to-test
	$(BIN)/python harness/benchmarks/judging.py

# Every library in an environment of its own; what was measured already is kept in .survey/units.
SURVEYED := $(patsubst requirements/survey/%.txt,.survey/%/ready,\
  $(filter-out %/cuda.txt,$(wildcard requirements/survey/*.txt)))
SURVEY := reports/survey/$(shell date +%Y-%m-%d)

survey: $(SURVEYED) .venv/ready
	PYTHONPATH=harness:implementations $(BIN)/python -m softmax_harness.studies.survey --environments .survey --out $(SURVEY)
	$(BIN)/python -m softmax_reports.survey $(SURVEY)

# The same on a GPU, where there is one.
survey-cuda: .survey/cuda/ready .venv/ready
	PYTHONPATH=harness:implementations $(BIN)/python -m softmax_harness.studies.survey --environments .survey \
	  --device cuda --jobs 8 --out $(SURVEY)-cuda
	$(BIN)/python -m softmax_reports.survey $(SURVEY)-cuda

.survey/%/ready: requirements/survey/%.txt
	$(PYTHON) -m venv .survey/$*
	.survey/$*/bin/python -m pip install -q --no-compile -r $<
	touch $@

test: check
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

check: .venv/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Stamps are written last, so that a half-made environment is made again. Locks are for plain pip.
.venv/ready: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it with make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --no-compile --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install -q --no-compile --no-deps --no-build-isolation -e .
	touch $@

.venv/ready-to-test: requirements/dev.txt .venv/ready
	$(BIN)/python -m pip install -q --no-compile --require-hashes -r requirements/dev.txt
	touch $@

# The documentation as a site, docs/_build/html: what it shows is run, and nothing is fetched.
docs: .venv/ready-to-document
	$(BIN)/python docs/making/transcripts.py README.md docs
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	$(BIN)/python -m sphinx -q -W -b doctest docs docs/_build/doctest
	@echo "Open docs/_build/html/index.html"

# Puts what commands print now in place of what the documentation says that they print.
transcripts: .venv/ready-to-document
	$(BIN)/python docs/making/transcripts.py --write README.md docs

# Whether the links lead somewhere that leave the site. This needs the network.
links: .venv/ready-to-document
	$(BIN)/python -m sphinx -q -b linkcheck docs docs/_build/links

# Reports of stated runs for the site; they take some minutes.
gallery: .venv/ready
	$(BIN)/python docs/making/gallery.py

# The README's picture: the first screen of a report, as Chromium shows it.
picture: .venv/ready-to-test
	$(BIN)/python docs/making/picture.py

.venv/ready-to-document: requirements/docs.txt .venv/ready
	$(BIN)/python -m pip install -q --no-compile --require-hashes -r requirements/docs.txt
	touch $@

clean:
	rm -rf .venv .asv .survey softmax-report docs/_build docs/_gallery docs/_made
