# Needs Python 3.11 or later, make and the package index; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
# What pip installs is compiled when it is first imported, as most of it never is. Where nothing that is compiled may be
# kept, as in some containers, each of the many processes of the tests would compile all of it.
INSTALL := $(BIN)/pip install --quiet --no-compile --editable
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all pythons engines release docs format clean

demo: .venv/installed
	$(BIN)/python examples/sample_stories.py

# Every check but those marked as slow: the long and rare ones.
test: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n auto

test-all: test pythons
	$(BIN)/pytest -n auto -m slow

# The tests of `test` that another Python could fail, on every other one that is installed.
pythons: .venv/installed-dev
	$(BIN)/python tests/every_python.py

# Minutes: 60,000 short articles on loky, Ray and Dask, with a worker killed in each.
engines: .venv/installed-dev
	$(BIN)/python -m benchmarks.archive.engines 60000 --words 30 --a-day 2000 --copies 2000 --largest 60 \
		--results .venv

# What a release uploads, checked, and installed where nothing else is, with and without a compiler.
release: .venv/installed-dev
	$(BIN)/python tests/release.py

docs: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

format: .venv/installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.venv/installed: pyproject.toml setup.py $(wildcard dedup/kernel/*.[ch])
	$(PYTHON) -m venv .venv
	$(INSTALL) .
	touch $@

.venv/installed-dev: .venv/installed
	$(INSTALL) '.[dev]'
	touch $@

.venv/installed-docs: .venv/installed
	$(INSTALL) '.[docs]'
	touch $@

clean:
	rm -rf .venv .venv-* build dist site stories.html
