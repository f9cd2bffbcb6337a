# The two commands of the README are `make demo` and `make test`; both set up everything they need.
PYTHON ?= python3
VENV   ?= .venv
PHOTOS ?=
OUT    ?= people.html

BIN   := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check fix lock bench clean
.DEFAULT_GOAL := help

help:           ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mien needs Python 3.11 or newer; set PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "no venv: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

demo: $(READY)  ## group the sample portraits, or PHOTOS=~/Pictures, into people.html
ifeq ($(strip $(PHOTOS)),)
	$(BIN)/mien samples demo/portraits
	$(BIN)/mien group demo/portraits --out $(OUT)
	$(BIN)/mien verify demo/portraits/obama.jpg demo/portraits/obama3.jpg
else
	$(BIN)/mien group "$(subst ~/,$(HOME)/,$(PHOTOS))" --out $(OUT)
endif
	@echo "Open $(OUT) in a browser."

test: $(READY)  ## run the tests
	$(BIN)/python -m pytest

check: $(READY) ## format, lint, types, layers, spelling
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	git ls-files -z | xargs -0 $(BIN)/codespell

fix: $(READY)   ## format and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY)  ## resolve the dependencies anew, for every platform, with hashes
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 pyproject.toml --extra heic --extra serve -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 pyproject.toml --all-extras --group dev -o requirements/dev.txt

clean:          ## remove the environment and what the demo made
	rm -rf $(VENV) demo people.html
