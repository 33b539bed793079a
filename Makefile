# Everything that is typed every day. Needs Python 3.11 or newer and make; the rest is fetched into .venv.
# All paths are relative and all tools are started as modules, so the checkout may have a long path and spaces in it.

export PYTHONUTF8 := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
PY := .venv/bin/python

.PHONY: help run test test-slow test-browser test-processes test-soak check format messages clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo 'make run             start everything and print the address; Ctrl-C ends it'
	@echo 'make test            the everyday tests'
	@echo 'make test-slow       those of them that take long'
	@echo 'make test-browser    the tests that drive a real Chromium'
	@echo 'make test-processes  the tests that start the real processes and kill some'
	@echo 'make test-soak       the heaviest tests at full size, for before a release (an hour)'
	@echo 'make check           style, templates, types, layers, migrations, translations, deployment'
	@echo 'make bench-NAME      measure (bench/NAME.py): start, import, near-duplicates, search, funnel, review, review-page, export, backup, load'
	@echo 'make format          let the formatters have their way'
	@echo 'make messages        bring the translations in step with the code'
	@echo 'make clean           remove .venv and caches (your data under var/ stays)'

run: .venv/.run
	@exec $(PY) manage.py run

test: .venv/.dev
	@exec $(PY) -m pytest -n 2 -m "not browser and not processes and not slow and not soak and not loaders"

test-slow: .venv/.dev
	@exec $(PY) -m pytest -n 2 -m "slow and not soak"

test-browser: .venv/.dev
	@exec $(PY) -m pytest -m "browser and not soak"

test-processes: .venv/.dev
	@exec $(PY) -m pytest -m "processes and not soak"

# Our datasets, loaded by the code of others. The first time brings 1.5 GB into .venv-loaders; that is why it is not in CI.
test-loaders: .venv/.dev .venv-loaders/.made
	@exec $(PY) -m pytest -m loaders

# The code broken on purpose in ten ways: a named test must notice each.
test-mutants: .venv/.dev
	@exec $(PY) tests/mutants.py

# Faults all over a working house, eight minutes of them; SEED=… plays the same again.
test-faults: .venv/.dev
	@exec $(PY) -m pytest -s tests/processes/test_faults.py -m soak

# Web, three workers, PostgreSQL and Redis as hosts of their own, in network namespaces. Needs root.
test-hosts: .venv/.dev
	@exec $(PY) tests/hosts.py

test-soak: .venv/.dev
	@exec $(PY) -m pytest -m soak

# Nothing is started. (makemigrations would like to ask a database, hence the -W; mypy loads the settings, hence the key.)
check: .venv/.dev
	$(PY) -m ruff check -q .
	$(PY) -m ruff format -q --check .
	git ls-files -z "templates/*.html" | xargs -0 .venv/bin/djade --check --target-version 5.2
	SECRET_KEY=$(shell printf 'for-mypy-%.0s' 1 2 3 4 5 6 7) $(PY) -m mypy .
	$(PY) -c "from importlinter.cli import lint_imports_command as lint; lint()"
	$(PY) -W 'ignore:Got an error checking a consistent migration history:RuntimeWarning' manage.py makemigrations --check --dry-run
	$(PY) manage.py messages --check
	CQIA_HTTPS=1 ALLOWED_HOSTS=zhumo.example.org $(PY) manage.py check --deploy --fail-level WARNING

# make bench-start: bench/start.py, and so on. The last line of each is JSON: figures, goals, and whether they hold.
bench-%: .venv/.dev
	@exec $(PY) bench/$(subst -,_,$*).py

format: .venv/.dev
	$(PY) -m ruff check -q --fix .
	$(PY) -m ruff format .
	git ls-files -z "templates/*.html" | xargs -0 .venv/bin/djade --target-version 5.2

messages: .venv/.dev
	$(PY) manage.py messages

clean:
	rm -rf .venv .venv-loaders .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

# --- .venv: a stamp is written only when the whole installation went through -------------------------------------------
.venv/.run: requirements.txt | .venv/.made
	@echo 'Installing what it runs on (requirements.txt); the first time this takes a minute.'
	@$(PY) -m pip install -qq -r requirements.txt
	@touch $@

.venv/.dev: requirements.txt requirements-dev.txt | .venv/.made
	@echo 'Installing what it is tested with (requirements-dev.txt); the first time this takes a minute or two.'
	@$(PY) -m pip install -qq -r requirements-dev.txt
	@touch .venv/.run $@

.venv-loaders/.made: requirements-loaders.txt | .venv/.made
	@$(PY) -m venv --clear .venv-loaders && .venv-loaders/bin/python -m pip install -qq -r requirements-loaders.txt
	@.venv-loaders/bin/python -m pip install -qq --no-deps llamafactory==0.9.5 && touch $@

# Of the Pythons that are there, the system's own unless another is faster by a quarter: one compiled without optimisation, as version
# managers do by default, takes a third longer for everything. Microseconds of what a Python does all day.
PACE = import timeit, time, venv, ensurepip; print(int(1e6 * min(timeit.repeat("for n in range(10000): c = C(); c.a = n; c.b = str(c.a)", "class C: pass", number=1, repeat=15, timer=time.process_time))))

.venv/.made:
	@if .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then touch $@; exit; fi; \
	for python in $(or $(PYTHON),/usr/bin/python3 python3.13 python3.12 python3.11 python3.14 python3 python); do \
	  pace=$$("$$python" -c 'import sys; sys.version_info < (3, 11) and sys.exit(1); $(PACE)' 2>/dev/null) || continue; \
	  if [ -z "$$found" ] || [ "$$((pace * 4))" -lt "$$((best * 3))" ]; then best="$$pace" found="$$python"; fi; \
	done; \
	if [ -z "$$found" ]; then echo 'Zhumo needs Python 3.11 or newer with its venv module, and none is on the PATH. On Debian and Ubuntu: apt-get install python3-venv. Or say which: make PYTHON=/path/to/python3.12 run' >&2; exit 1; fi; \
	echo "Making .venv with $$("$$found" --version)."; \
	"$$found" -m venv --clear .venv && touch $@
