# make demo | test | test-slow | test-abinit | benchmark | docs | lint | format | clean: all that is needed
# is Python >= 3.10 with pip and venv, a C compiler and make.
PYTHON ?= python3
VENV ?= .venv
# Test processes; every one of them uses one OpenMP thread.
JOBS ?= auto

SOURCES := setup.py pyproject.toml $(wildcard cython_kernels/*.pyx cython_kernels/*.pxd)
IN := $(VENV)/bin
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(IN)/python -m pytest -n $(JOBS) --dist worksteal

.PHONY: demo test test-slow test-abinit benchmark docs lint format clean

demo: $(VENV)/installed
	$(IN)/ase-mag demo

test: $(VENV)/installed-dev
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/installed-dev
	$(PYTEST) -m "slow and not abinit"

# Needs the program and its data sets: apt install abinit abinit-data. SELECT='-k "not torque"'
# leaves out the noncollinear runs, four of five minutes.
test-abinit: $(VENV)/installed-dev
	$(PYTEST) -m abinit $(SELECT)

# Timings beside LAMMPS and Spirit; options in BENCHMARK, for example BENCHMARK='--cases coupled'.
benchmark: $(VENV)/installed-bench
	OMP_NUM_THREADS=1 $(IN)/python -m benchmarks $(BENCHMARK)

# All pages and docstrings as docs/_build/html/index.html; a warning is an error.
docs: $(VENV)/installed-docs
	$(IN)/sphinx-build -W --keep-going -q -j auto -b html docs docs/_build/html

lint: $(VENV)/installed-dev
	$(IN)/ruff check .
	$(IN)/ruff format --check .
	PATH="$(abspath $(IN)):$$PATH" cython-lint cython_kernels
	$(IN)/lint-imports

format: $(VENV)/installed-dev
	$(IN)/ruff check --fix .
	$(IN)/ruff format .

$(IN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "ase_mag needs Python 3.10 or newer, but $(PYTHON) is $$($(PYTHON) -V 2>&1): make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: install its venv module (on Debian or Ubuntu: apt install python3-venv)"; exit 1; }
	@command -v $${CC:-cc} >/dev/null || command -v gcc >/dev/null || { \
	  echo "no C compiler was found: install one (on Debian or Ubuntu: apt install gcc)"; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' || { \
	  echo "$(PYTHON) has no C headers (Python.h): install them (on Debian or Ubuntu: apt install python3-dev)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Stamps: installed again only when the build itself has changed; the package is in editable mode.
$(VENV)/installed: $(IN)/python $(SOURCES)
	$(IN)/python -m pip install --quiet --disable-pip-version-check --editable '.[plot]'
	@touch $@

$(VENV)/installed-dev: $(IN)/python $(SOURCES)
	$(IN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/installed $@

$(VENV)/installed-bench: $(IN)/python $(SOURCES)
	$(IN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $(VENV)/installed $@

$(VENV)/installed-docs: $(IN)/python $(SOURCES)
	$(IN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $(VENV)/installed $@

clean:
	rm -rf $(VENV) build dist *.egg-info demo_output benchmark_output docs/_build
	rm -f cython_kernels/*.c ase_mag/_kernels/*.so ase_mag/_kernels/_avx2/*.so
