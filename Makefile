# `make demo` and `make test` each do everything on a machine with python3 (venv and pip) and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test lint format stubs notebooks docs bench compiled mutants clean

help:            ## what there is
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## */	/' | expand -t 14

setup: .venv/ready  ## create .venv with all extras

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]"
	@touch .venv/ready

demo: setup      ## train XOR and draw the gradient flowing through it
	$(BIN)/python -m nn xor

test: setup      ## run all tests
	$(BIN)/python -m pytest -n auto

lint: setup      ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup    ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

stubs: setup     ## rewrite the .pyi files after a change of the table
	$(BIN)/python -m tools.stubs

notebooks: setup ## run the notebooks anew and save what they show
	$(BIN)/python -m tools.notebooks

docs: setup      ## build the documentation into build/docs; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

bench: setup     ## compare with micrograd, in an environment of its own
	$(BIN)/python -m benchmarks.eager

compiled: setup  ## compare compiled code with JAX, Keras, PyTorch, CasADi and C (installs them: 2 GB)
	$(BIN)/python -m benchmarks.compiled
	$(BIN)/python -m benchmarks.gpt_peers
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.scaling

mutants: setup   ## how many small faults in FILE (default: all of value.py) the tests notice
	$(BIN)/python -m tools.mutants $(or $(FILE),autograd/value.py)

clean:           ## remove everything that is not in git
	rm -rf .venv .venv-peers runs build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
