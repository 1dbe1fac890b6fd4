# `make report` runs the default suite, `make test` the tests; both first make the environment that they need.
PYTHON ?= python3
VENV ?= .venv
TORCH ?= cpu
WORKERS ?= 2
SOAK_RUNS ?= 2000
KILLS ?= 100
SEED ?= 0
# Recordings of the suite watch: of this package a file is read, so nothing that it needs is installed.
RECORDINGS := seglearn==1.2.5
SUITES := hapt hapt-strong
CONFIGS := $(sort $(wildcard config/*.yaml))

# The environment is installed anew when what it is made from changes: that is part of its stamp's name.
KEY := $(shell cat pyproject.toml constraints.txt | cksum | tr -d ' ')
SUITE_READY := $(VENV)/.suite-$(TORCH)-$(KEY)
TESTS_READY := $(VENV)/.tests-$(TORCH)-$(KEY)
export PATH := $(abspath $(VENV))/bin:$(PATH)

# Snakemake keeps copies of its sources in the home folder, or here where that cannot be written.
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export XDG_CACHE_HOME ?= $(abspath .snakemake/cache)
endif

ifeq ($(filter $(TORCH),cpu cuda),)
$(error TORCH: expected cpu or cuda; got $(TORCH))
endif

.DEFAULT_GOAL := help
.PHONY: help environment report figures docs test check bench mutants soak soak-kills pull clean
.DELETE_ON_ERROR:

help:
	@echo "make report [TORCH=cuda]   environment, then the default suite: results/hapt/report.html"
	@echo "make environment           the environment alone, in VENV=$(VENV)"
	@echo "make figures               the pictures of README.md, from the results of the default suite and the matrix"
	@echo "make test [WORKERS=2]      environment, then every test"
	@echo "make check                 style, types, the workflow's lint, a dry run of every suite"
	@echo "make docs                  the documentation as pages, in site/; a warning is an error"
	@echo "make bench                 speeds as ratios, into benchmarks/README.md (a quarter of an hour, nothing else running)"
	@echo "make mutants               deliberate mistakes in the method, each of which a test must see (a quarter of an hour)"
	@echo "make soak [SOAK_RUNS=2000] changed bytes for every reader, each of which gives a value or a sentence"
	@echo "make soak-kills [KILLS=100] runs of a tiny suite killed at random instants, which go on to the same bytes"
	@echo "make pull                  heavy results of $(SUITES) from your DVC remote, ready to go on from"
	@echo "make clean                 remove the environment; results stay"

environment: $(SUITE_READY)

report: $(SUITE_READY)
	snakemake --cores all --use-conda

figures: $(TESTS_READY)
	snakemake --cores all --use-conda results/hapt/figures/timeline_1.png results/hapt/report.html
	cp results/hapt/figures/timeline_1.png docs/pictures/timeline.png
	python .ci/explorer_pictures.py results/hapt/report.html docs/pictures
	wtal matrix results/matrix-hapt results/matrix-swimming results/matrix-shrec21 --out results/matrix \
	  --effects gaussian optimised optimised_naive delta whole selected_on_test
	cp results/matrix/forest.png docs/pictures/forest.png

test: $(TESTS_READY)
	OMP_NUM_THREADS=1 pytest --numprocesses $(WORKERS) --dist loadfile

check: $(TESTS_READY)
	ruff check .
	ruff format --check .
	mypy
	snakemake --lint
	@set -e; for config in $(CONFIGS); do \
	  echo "snakemake --dry-run --configfile $$config"; \
	  snakemake --dry-run --quiet rules host --cores 1 --configfile $$config; \
	done

docs: $(SUITE_READY)
	$(VENV)/bin/python -m pip install --quiet --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 mkdocs build --quiet

bench: $(TESTS_READY)
	OMP_NUM_THREADS=1 python benchmarks/bench.py --write

mutants: $(TESTS_READY)
	python benchmarks/mutants.py

soak: $(TESTS_READY)
	SOAK_RUNS=$(SOAK_RUNS) OMP_NUM_THREADS=1 pytest --numprocesses $(WORKERS) --dist load tests/faults/test_fuzz.py

soak-kills: $(SUITE_READY)
	python benchmarks/kills.py $(KILLS) --workers $(WORKERS) --seed $(SEED)

pull: $(SUITE_READY)
	@test -n "$$(dvc remote list)" || { \
	  echo "make pull: no DVC remote is configured, so there is nowhere to pull from;" \
	    "dvc remote add --default NAME URL names one, and make report computes the results here" >&2; exit 2; }
	@test -f dvc.lock || { \
	  echo "make pull: there is no dvc.lock, so nothing was pushed yet;" \
	    "dvc repro $(firstword $(SUITES)) computes the results and writes it" >&2; exit 2; }
	dvc pull $(SUITES) || { wtal check-pulled $(SUITES) --cache "$$(dvc cache dir)" --only-cache; exit 2; }
	wtal check-pulled $(SUITES) --cache "$$(dvc cache dir)"
	@set -e; for suite in $(SUITES); do \
	  echo "snakemake --touch --forceall --cores 1 --configfile config/$$suite.yaml"; \
	  snakemake --touch --forceall --cores 1 --quiet all --configfile config/$$suite.yaml; \
	done

clean:
	rm -rf $(VENV)

$(SUITE_READY): EXTRAS := suite,demo
$(TESTS_READY): EXTRAS := suite,demo,video,s3,dev
$(SUITE_READY) $(TESTS_READY):
	$(PYTHON) -m venv $(VENV)
	$(if $(filter cuda,$(TORCH)),$(VENV)/bin/python -m pip uninstall --quiet --yes torch)
	grep -v $(if $(filter cuda,$(TORCH)),'^torch==','^#') constraints.txt > $(VENV)/constraints.txt
	$(VENV)/bin/python -m pip install --quiet --constraint $(VENV)/constraints.txt --editable '.[$(EXTRAS)]'
	$(if $(findstring dev,$(EXTRAS)),$(VENV)/bin/python -m pip install --quiet --no-deps $(RECORDINGS))
	rm -f $(VENV)/.suite-* $(if $(findstring dev,$(EXTRAS)),$(VENV)/.tests-*)
	touch $(if $(findstring dev,$(EXTRAS)),$(SUITE_READY)) $@
