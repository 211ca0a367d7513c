# Everything a newcomer needs: make demo, make test. Needs Python 3.11 and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long test-cluster test-environments test-rest soak lint format config lock bench estimate track restore cluster-clean clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 20

setup: $(READY)  ## the virtual environment, from pinned requirements

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 is needed, this is " + sys.version.split()[0]) if sys.version_info[:2] != (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## the whole pipeline on the embedded default, from nothing to tables and report
	@$(SNAKEMAKE)

test: $(READY)  ## every test that takes seconds, and the workflow once from end to end
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/unit tests/oracles tests/faults tests/browser
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/workflow

test-long: $(READY)  ## the workflow killed again and again, under DVC, on own videos, with a teacher of the hub
	$(BIN)/python -m pytest -m long tests/workflow

test-cluster: $(READY)  ## the workflow on a real Slurm, started here (needs Debian's Slurm and munge)
	$(BIN)/python -m pytest -m cluster tests/cluster

test-environments: $(READY)  ## each conda environment's Python packages alone carry the scripts of its rules
	$(BIN)/python -m pytest -m environments tests/environments

test-rest: $(READY)  ## test-long and test-cluster in one go: the run that they compare with is made only once
	$(BIN)/python -m pytest -m "long or cluster" tests/workflow tests/cluster

soak: $(READY)  ## kill the workflow fifty times instead of six; KILLS=200 for more
	WAVBRIVL_KILLS=$(or $(KILLS),50) $(BIN)/python -m pytest -m long --timeout 20000 tests/workflow/test_kill.py

lint: $(READY)  ## style: ruff, snakefmt, snakemake --lint, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/python -m wavbrivl.config.document --check
	$(BIN)/python -m wavbrivl.workflow.environments --check
	$(BIN)/python -m wavbrivl.workflow.pipeline --check
	$(BIN)/python -m wavbrivl.workflow.rulegraph --check

format: $(READY)  ## rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

config: $(READY)  ## regenerate config.yaml, schema.json, the table of keys, envs/, dvc.yaml and the graph of rules
	$(BIN)/python -m wavbrivl.config.document
	$(BIN)/python -m wavbrivl.workflow.environments
	$(BIN)/python -m wavbrivl.workflow.pipeline
	$(BIN)/python -m wavbrivl.workflow.rulegraph

lock: $(READY)  ## resolve requirements.in anew and write requirements.txt and envs/
	$(BIN)/python -m pip install --quiet --upgrade -r requirements.in
	$(BIN)/python -m wavbrivl.workflow.environments --lock

bench: $(READY)  ## measure speed beside its bound; NAME=media_vs_scripts for one
	$(SNAKEMAKE) corpus --quiet all
	$(BIN)/python -m wavbrivl.bench $(NAME)

estimate: $(READY)  ## gigabytes, days of download, GPU hours; CONFIG=config/paper.yaml
	@$(BIN)/python -m wavbrivl.corpus.estimate --configfile $(or $(CONFIG),config/paper.yaml)

track: $(READY)  ## record what a run has made in DVC; RUN=paper for another run than the default
	@$(BIN)/python -m wavbrivl.workflow.track record $(if $(RUN),--run $(RUN)) $(if $(CONFIG),--configfile $(CONFIG))

restore: $(READY)  ## bring a recorded run back from DVC's remote, so that nothing is to be done; RUN as above
	@$(BIN)/python -m wavbrivl.workflow.track restore $(if $(RUN),--run $(RUN)) $(if $(CONFIG),--configfile $(CONFIG))

cluster-clean: $(READY)  ## cancel the Slurm jobs that a killed run left, and clear its lock (a new run does so too)
	@$(BIN)/python -m wavbrivl.workflow.orphans

clean:  ## remove what the embedded default made (data/ of other corpora stays)
	rm -rf results/demo data/embedded data/benchmarks/embedded .snakemake
