# Two commands do everything, set-up included: `make repro` and `make test`.

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

.DEFAULT_GOAL := help
.PHONY: help repro plan times test check bench torture clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 16

repro: $(VENV)/.repro ## run what is out of date and write reports/; PROFILE=demo|laptop|paper puts a profile in force
	@python -m stages.preflight $(PROFILE)
	@python -m pipeline repro

plan: $(VENV)/.repro ## what make repro would do, why, and about how long it takes
	@python -m pipeline plan

times: $(VENV)/.repro ## what each stage took when it last ran
	@python -m pipeline times

test: $(VENV)/.dev ## run the tests
	@python -m pytest

check: $(VENV)/.dev ## format, lint, types, import layers, known vulnerabilities
	@ruff format --check .
	@ruff check .
	@mypy
	@lint-imports
	@python -m checks.audit requirements.lock

bench: $(VENV)/.bench ## ours beside a textbook trainer and Hugging Face's on this machine, after a make repro
	@python -m benchmarks

torture: $(VENV)/.dev ## kill, disturb and starve it for an hour; writes reports/torture.md
	@python -m torture

clean: ## remove the environment and tool caches; data/, the DVC cache and reports/ stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.repro: requirements.lock | $(VENV)/bin/pip
	@echo "installing requirements.lock into $(VENV) (once)"
	@pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

$(VENV)/.bench: requirements-bench.lock $(VENV)/.repro
	@echo "installing requirements-bench.lock into $(VENV) (once)"
	@pip install --quiet --disable-pip-version-check -r requirements-bench.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.repro
	@echo "installing requirements-dev.lock into $(VENV) (once)"
	@pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@
