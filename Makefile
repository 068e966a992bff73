# The two commands a user needs are `make demo` and `make test`; both need only python3 and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -q -c constraints.txt

.PHONY: demo test lint bench rivals docs proofs clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	$(PYTHON) -m venv .venv

# numba keeps a compiled loop even when a loop that it calls in another file has changed; so a change to any starts afresh.
.venv/kernels: $(wildcard src/nearkin/kernels/*.py src/nearkin/indexes/*.py src/nearkin/matchers/*.py src/nearkin/encoders/*.py) | $(BIN)/python
	find src -name '*.nb[ic]' -delete
	@touch $@

.venv/core: pyproject.toml constraints.txt | $(BIN)/python .venv/kernels
	$(PIP) -e .
	$(BIN)/python -m nearkin.warm
	@touch $@

.venv/test: pyproject.toml constraints.txt | .venv/core
	$(PIP) torch==2.13.0
	$(PIP) -e '.[test]'
	@touch $@

.venv/bench: pyproject.toml constraints.txt | .venv/test
	$(PIP) -e '.[bench]'
	$(PIP) --no-deps fastembed  # a rival of which one file is used; it asks for an older huggingface-hub
	@touch $@

.venv/docs: pyproject.toml constraints.txt | .venv/core
	$(PIP) -e '.[docs]'
	@touch $@

demo: .venv/core
	$(BIN)/python -m nearkin.demo

test: .venv/test .venv/kernels lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: .venv/test
	$(BIN)/ruff check src tests benches scripts
	$(BIN)/ruff format --check -q src tests benches scripts
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/bench
	for bench in benches/*.py; do $(BIN)/python $$bench || exit 1; done

# What benches/sequence_speed.py and benches/service_load.py compare with, in environments of their own, with versions that they run on.
RIVALS := $(or $(NEARKIN_CACHE),$(HOME)/.cache/nearkin)/rivals

rivals: $(RIVALS)/rectools/made $(RIVALS)/recbole/made $(RIVALS)/stores/made

$(RIVALS)/%/made: Makefile
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install -q $(NEEDS_$*)
	@touch $@

OLDER := torch==2.13.0 numpy==1.26.4 pandas==2.3.3
NEEDS_rectools := 'rectools[torch]==0.19.0' scipy==1.17.1 $(OLDER)
NEEDS_recbole := recbole==1.2.1 scipy==1.15.3 $(OLDER)
NEEDS_stores := -c constraints.txt -e . fastapi uvicorn httptools lancedb==0.40.0 pymilvus==3.0.2 milvus-lite==3.2.2 qdrant-client==1.20.0

docs: .venv/docs
	$(BIN)/python scripts/make_papers_page.py
	$(BIN)/python scripts/make_measured_page.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv build site demo-collection
