# The two commands of the README are `make demo` and `make test`; both set up everything they need.
PYTHON ?= python3
VENV   ?= .venv
PHOTOS ?=
OUT    ?= people.html

BIN   := $(VENV)/bin
READY := $(VENV)/.ready
TRAIN := $(VENV)/.train
TORCH := torch==2.13.0
PIP   := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK  := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11

.PHONY: demo test train check fix lock clean
.DEFAULT_GOAL := help

help:           ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mien needs Python 3.11 or newer; set PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "no venv: apt-get install python3-venv" >&2; exit 1; }
	$(PIP) --require-hashes -r requirements/dev.txt
	$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

# PyTorch comes by its version, without a hash: which build is right depends on the machine, and all others follow the lock.
$(TRAIN): $(READY) requirements/train.txt
	$(PIP) $(TORCH)
	$(PIP) --require-hashes -r requirements/train.txt
	@touch $@

train: $(TRAIN) ## set up PyTorch too: training, its tests and the check of its types

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

check: $(TRAIN) ## format, lint, types, layers, spelling
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
	$(LOCK) pyproject.toml --extra heic --extra serve -o requirements/runtime.txt
	$(LOCK) pyproject.toml --extra heic --extra serve --extra tune --group dev -o requirements/dev.txt
	echo '$(TORCH)' | $(LOCK) - pyproject.toml --extra train --group train -c requirements/dev.txt --config-file requirements/uv.toml --no-emit-package torch -o requirements/train.txt

clean:          ## remove the environment and what the demo made
	rm -rf $(VENV) demo people.html
