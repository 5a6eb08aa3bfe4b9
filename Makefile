# Two commands do everything, set-up included: `make repro` and `make test`.

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

# the options of every command that runs stages
LAUNCH = $(if $(PROFILE), --profile "$(PROFILE)")$(if $(JOBS), --jobs "$(JOBS)")$(if $(SCHEDULER), --scheduler "$(SCHEDULER)")

.DEFAULT_GOAL := help
.PHONY: help repro sweep readings plan times compare plots site test check graph bench torture clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 16

repro: $(VENV)/.repro ## run what is out of date and write reports/; PROFILE=laptop switches the profile, JOBS=4 runs four stages at once
	@python -m pipeline repro$(LAUNCH)

sweep: $(VENV)/.repro ## train every run under SEEDS=5 seeds, or RUNS=a,b with GRID="dropout=0.1,0.3"; SEEDS=1 ends it
	@python -m pipeline sweep$(if $(SEEDS), --seeds "$(SEEDS)")$(if $(RUNS), --runs "$(RUNS)")$(if $(GRID), --grid "$(GRID)")$(LAUNCH)

readings: $(VENV)/.repro ## train the other readings of the paper, for readings.md of the report; make sweep SEEDS=1 ends it
	@python -m pipeline readings$(LAUNCH)

plan: $(VENV)/.repro ## what make repro would do, why, and about how long it takes
	@python -m pipeline plan

times: $(VENV)/.repro ## what each stage took when it last ran
	@python -m pipeline times

compare: $(VENV)/.repro ## list experiments; with A=... B=... set two side by side, tested, in reports/compare.md
	@python -m pipeline compare $(if $(A)$(B),"$(A)" "$(B)")

plots: $(VENV)/.plots ## learning curves for a browser, without network; REVS="main my-experiment" draws several in one
	@python -m pipeline plots $(REVS)

site: $(VENV)/.repro ## write the report as a site for a browser, without a network: site/index.html
	@python -m pipeline site

test: $(VENV)/.dev ## run the tests in up to eight processes, a file at a time in each
	@OMP_NUM_THREADS=1 python -m pytest -n logical --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## format, lint, types, import layers, known vulnerabilities
	@ruff format --check .
	@ruff check .
	@mypy
	@lint-imports
	@python -m tests.audit requirements.lock

graph: $(VENV)/.dev ## bring the lists in dvc.yaml up to date with params.yaml
	@python -m pipeline graph

bench: $(VENV)/.bench ## ours beside a textbook trainer and Hugging Face's on this machine, after a make repro
	@python -m benchmarks

torture: $(VENV)/.dev ## kill, disturb and starve it for an hour; writes reports/torture.md
	@python -m tests.torture

clean: ## remove the environment and tool caches; data/, the DVC cache and reports/ stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.repro: requirements.lock requirements-compute.lock | $(VENV)/bin/pip
	@echo "installing requirements.lock into $(VENV) (once)"
	@pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

$(VENV)/.bench: requirements-bench.lock $(VENV)/.repro
	@echo "installing requirements-bench.lock into $(VENV) (once)"
	@pip install --quiet --disable-pip-version-check -r requirements-bench.lock
	@touch $@

$(VENV)/.plots: requirements-plots.lock $(VENV)/.repro
	@echo "installing requirements-plots.lock into $(VENV) (once)"
	@pip install --quiet --disable-pip-version-check -r requirements-plots.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.repro
	@echo "installing requirements-dev.lock into $(VENV) (once)"
	@pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@
