# Set up, run and test the study. `make` alone lists what it can do.

RUN ?= complete_journey
PYTHON ?= python3

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
PARTS := test-runs test-notebooks test-slow test-fast-1 test-fast-2
.PHONY: help new-run check report pages test test-fast $(PARTS) lint lab notebooks bench shops \
  clean spark lock FORCE

# The environment is built in .venv. To use one of your own as it is, name its folder:
# make report VENV="$CONDA_PREFIX"
ifeq ($(origin VENV),command line)
READY :=
else
VENV := .venv
READY := .venv/.ready
endif
# What a user gives is text: make expands none of it, and recipes read it from the
# environment, whatever letters it holds. A run's name is refused before any shell starts.
$(foreach given,RUN PYTHON VENV STUDY_HOME FLAGS,$(eval override $(given) := $$(value $(given))))
export RUN PYTHON VENV STUDY_HOME FLAGS
PY := "$$VENV/bin/python"
LETTERS := a b c d e f g h i j k l m n o p q r s t u v w x y z
DIGITS := 0 1 2 3 4 5 6 7 8 9 _
without = $(if $1,$(call without,$(wordlist 2,99,$1),$(subst $(firstword $1),,$2)),$2)
ifneq ($(filter new-run check report pages lab clean,$(MAKECMDGOALS)),)
ifneq (<$(call without,$(LETTERS) $(DIGITS),$(RUN))>$(if $(filter $(LETTERS:=%),$(RUN)),,no),<>)
$(error RUN names no run. A run is named with small letters, digits and _, beginning with a \
  letter; runs are the files in runs/)
endif
endif
ifneq ($(findstring :,$(CURDIR)),)
$(error Python finds nothing in a folder with a colon in its name: rename the folder of the study)
endif

# What every kernel sees: the helpers of this folder (also in a copy of it), one thread
# (two on busy cores are slower, and sums may differ), the same arithmetic on every PC
# (libraries else add up in another order on newer processors), a fixed order of sets, and
# nothing of the user's own set-up of Python, Jupyter, Matplotlib, bash, language and clock
# (helpers.runs.execute says the same to each kernel).
SET_UP := PYTHON% IPYTHON% JUPYTER% MPL% MATPLOTLIB% LC_% LANG% BASH_ENV ENV CDPATH SHELLOPTS BASHOPTS
unexport $(filter-out PYTHON,$(filter $(SET_UP),$(.VARIABLES)))
export PYTHONPATH := $(CURDIR)/src
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
ifneq ($(findstring avx2,$(if $(wildcard /proc/cpuinfo),$(file </proc/cpuinfo))),)
export OPENBLAS_CORETYPE := Haswell
export OPENBLAS_L2_SIZE := 512
export NPY_DISABLE_CPU_FEATURES := X86_V4 AVX512_ICL AVX512_SPR
endif
export PYTHONHASHSEED := 0
export PYTHONNOUSERSITE := 1
export NUMBA_CACHE_DIR := $(CURDIR)/build/numba
export IPYTHONDIR := $(CURDIR)/build/ipython
export JUPYTER_PREFER_ENV_PATH := 1
export MATPLOTLIBRC := /dev/null
export LC_ALL := C.UTF-8
export TZ := UTC

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile
	@echo "RUN=name chooses a run of runs/ (now $$RUN)."

.venv/.ready: requirements.lock pyproject.toml
	@bash tools/setup.sh "$$PYTHON"

# Of `report`: helpers.runs.dependencies writes which executed notebook depends on what into a
# fragment, and starts this make with its name. It touches it only when something changed.
ifdef STAGES
include $(STAGES)
pages: $(INDEX) ; @:

# 3 says that this notebook stopped, or waits for one that did: the others go on, their
# pages and the overview are made, and helpers.runs.failures ends the command with an error.
$(EXECUTED):
	@$(PY) -m helpers.runs.execute "$$RUN" $(basename $(@F)) || [[ $$? == 3 ]]

$(INDEX):
	@$(PY) -m helpers.report.build "$$RUN"
endif

new-run: $(READY) ## Draft runs/RUN.yaml from the files in data/raw/RUN/, to be corrected
	@$(PY) -m helpers.intake.scaffold "$$RUN"

check: $(READY) ## Name every problem of RUN's run file and files; write nothing
	@$(PY) -m helpers.intake.check "$$RUN"

# One make at a time works on a run: what is asked first waits for the others, and holds a
# lock until its make, and all that this started, have ended.
report: $(READY) ## Execute the notebooks of RUN where needed, render its pages
	@$(PY) -m helpers.runs.dependencies "$$RUN" $(MAKE) --no-print-directory pages
	@$(PY) -m helpers.runs.failures "$$RUN"

# Parts of the tests, each a pytest of its own with a log in build/test; the longest begins
# first. Marks of pytest say what belongs where (pyproject.toml); the rest is fast, and every
# other file is the first half of it. nbval is slower and brittle in several processes.
test-notebooks: FILES = $(filter-out $(SUPPLIER),$(sort $(wildcard notebooks/*.ipynb))) \
  $(sort $(wildcard notebooks/customer_table/*.ipynb)) $(NBVAL)
test-runs: FILES = -m runs tests $(SUPPLIER) $(NBVAL)
test-slow: FILES = -m "(slow or browser) and not runs" tests
test-fast-1: FILES = -m "$(FAST)" $$(find tests -name 'test_*.py' | sort | awk 'NR % 2')
test-fast-2: FILES = -m "$(FAST)" $$(find tests -name 'test_*.py' | sort | awk 'NR % 2 == 0')
FAST := not (runs or slow or browser)
NBVAL := --nbval --nbval-current-env
# Compared with the supplier's run, which is a test's.
SUPPLIER := $(wildcard notebooks/09_recovery.ipynb)

$(PARTS): $(READY)
	@mkdir -p build/test
	STUDY_HOME="$$PWD/build/test" $(PY) -m pytest -p no:cacheprovider $(FILES) \
	  2>&1 | tee build/test/$@.log

# What each part said last stands at the end, of all of them, whichever failed.
SIDE_BY_SIDE = echo "Parts are printed when they end; until then see build/test/*.log."; \
  $(MAKE) --no-print-directory -k -j2 -O $(1) || failed=$$?; \
  for part in $(1); do echo "$$part: $$(tail -n 1 build/test/$$part.log)"; done; \
  exit $${failed:-0}

test: $(READY) ## Test all: helpers, whole runs, and the saved results of the notebooks
	@rm -rf build/test
	@$(call SIDE_BY_SIDE,$(PARTS))

test-fast: $(READY) ## Test the helpers only, in under two minutes
	@$(call SIDE_BY_SIDE,$(filter test-fast-%,$(PARTS)))

lint: $(READY) ## Check style, format, spelling, types, and that imports run one way
	$(PY) -m ruff check src tests tools benchmarks notebooks
	$(PY) -m ruff format --check src tests tools benchmarks notebooks
	"$$VENV/bin/lint-imports" --no-cache
	"$$VENV/bin/codespell" src tests tools benchmarks notebooks runs docs *.md
	$(PY) -m mypy

lab: $(READY) ## Open JupyterLab on the notebooks, with RUN's parameters; FLAGS are for it
	@folder=$$($(PY) -m helpers.runs.execute copies "$$RUN"); $(PY) -m jupyterlab $$FLAGS "$$folder"

notebooks: $(READY) ## Execute the notebooks in place, to be committed
	@rm -rf build/notebooks
	@STUDY_HOME="$$PWD/build/notebooks" $(PY) -m helpers.runs.execute refresh
	@if [[ -e notebooks/04_segment_personas.ipynb ]]; then $(PY) tools/picture.py; fi

# Each can be run alone; benchmarks/README.md says what it measures and how long it takes.
bench: $(READY) ## Measure speed and memory against others, into benchmarks/ (an hour)
	@for name in features assignment many_customers startup evidence; do \
	  echo "benchmarks/$$name.py:"; $(PY) "benchmarks/$$name.py"; done

# build/shops keeps what came out; the same command goes on, and without the folder anew.
shops: $(READY) ## Try the study on 240 made shops; 40 whole runs (an hour, not part of test)
	@PYTHONPATH="$$PWD/src:$$PWD/tests" $(PY) tools/try_shops.py all

clean: ## Remove what RUN generated; raw data and the environment stay
	cd -- "$${STUDY_HOME:-.}" && rm -rf data/{interim,processed}/$(RUN) reports/$(RUN) build/runs/$(RUN)

spark: $(READY) ## Add PySpark to the environment, for `engine: pyspark`; Java 17 is needed too
	$(PY) -m pip install --quiet --require-hashes --no-build-isolation -r requirements-pyspark.lock

lock: $(READY) ## Pin what pyproject.toml asks for; remove requirements.lock for the newest
	$(PY) -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --only-binary :all: --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --quiet --output-file requirements.lock
	$(PY) -m uv pip compile pyproject.toml --extra pyspark --universal --python-version 3.11 \
	  --constraint requirements.lock --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --quiet --output-file build/pyspark.txt
	awk '/^py(4j|spark)==/ {on = 1; print; next} /^[^ ]/ {on = 0} on' build/pyspark.txt >requirements-pyspark.lock
