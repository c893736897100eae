# Two commands matter: `make eval` and `make test`. Both set up all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip's torch without a version is a CUDA build of several gigabytes; tests and CI need the CPU only.
TORCH := torch==2.13.0
# Tests start hundreds of processes: without bytecode on disk each of them compiles the whole package.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: eval test soak check lint types site clean

eval: $(VENV)/core
	$(BIN)/judgebench eval

# One thread in each process, or they wait for each other; three processes, for browsers and servers let two cores idle.
# Browser and fault tests take longest: they come first.
test: $(VENV)/dev chromium bubblewrap
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not soak"

soak: $(VENV)/dev
	$(BIN)/python -m pytest -m soak

check: lint types

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# tasks/ and leaderboard/ are parts of the package that live outside its folder: mypy sees them through links.
types: $(VENV)/dev
	@rm -rf build/types && mkdir -p build/types/judgebench
	@for entry in judgebench/*; do ln -s "../../../$$entry" build/types/$$entry; done
	@ln -s ../../../tasks build/types/judgebench/tasks
	@ln -s ../../../leaderboard build/types/judgebench/leaderboard
	MYPYPATH=build/types $(BIN)/mypy -p judgebench

site: $(VENV)/core
	$(BIN)/judgebench leaderboard build

$(VENV)/core: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@ $(VENV)/core

# The browser tests need Chromium from the system's packages; where it cannot be installed they are skipped,
# except in CI, where they fail.
.PHONY: chromium
chromium:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null \
	  || command -v chromium-browser >/dev/null || { \
	  echo "installing chromium for the browser tests"; \
	  apt-get update -qq >/dev/null 2>&1; \
	  for package in chromium-headless-shell chromium; do \
	    apt-get install -y -qq $$package >/dev/null 2>&1 \
	      || sudo -n apt-get install -y -qq $$package >/dev/null 2>&1 && exit; \
	  done; \
	  echo "chromium cannot be installed here"; }

# Untrusted programs run in bubblewrap; where it cannot be installed, under Landlock, which needs the kernel only. In CI
# the tests fail when there is neither.
.PHONY: bubblewrap
bubblewrap:
	@command -v bwrap >/dev/null || { \
	  echo "installing bubblewrap for the sandbox tests"; \
	  { apt-get update -qq && apt-get install -y -qq bubblewrap; } >/dev/null 2>&1 \
	    || sudo -n apt-get install -y -qq bubblewrap >/dev/null 2>&1 \
	    || echo "bubblewrap cannot be installed here"; }

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
