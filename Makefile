# make run   the console on the sample company      make check   lint, types, import contracts
# make test  the tests                              make clean   remove what was made here
# make pictures  the pictures of the documentation anew
# make soak  random histories, TIMES=20 times as many as the tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test soak check pictures clean
.DEFAULT_GOAL := run

run: $(READY)
	@$(BIN)/entl console --demo

test: $(READY)
	@env -u NO_COLOR -u TEXTUAL_THEME $(BIN)/python -m pytest -n 4 --dist worksteal

soak: $(READY)
	@env -u NO_COLOR ENTL_SOAK=$(or $(TIMES),20) $(BIN)/python -m pytest -n 2 tests/properties

check: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

pictures: $(READY)
	@env -u NO_COLOR -u TEXTUAL_THEME PYTHONPATH=tests:tests/console $(BIN)/python tests/console/pictures.py docs/pictures

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV), once; this takes about half a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
