# Brivas: build, run, test. `make help` lists the targets.
#
# `make build` works on a machine that has Python 3.11+, a Rust toolchain and a C compiler. What is installed once
# stands behind stamps inside what was made; cargo judges by itself whether the extension is up to date.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
ROOT := $(CURDIR)
VENV := $(ROOT)/.venv
BIN := $(VENV)/bin
TOOLS := .venv/.tools
INSTALLED := .venv/.installed
GENERATED := python/brivas/v1/__init__.py
PEERS := $(addprefix tests/peers/,node/node_modules/.installed java/target/.installed go/peer)
PROTOS := $(wildcard proto/brivas/v1/*.proto)
# Cargo, maturin and uv all see the same interpreter, environment and pins.
export PYO3_PYTHON := $(BIN)/python
export VIRTUAL_ENV := $(VENV)
export UV_CONSTRAINT := $(ROOT)/constraints.txt
export PATH := $(BIN):$(PATH)
# CI builds what was committed, to the letter.
LOCKED := $(if $(CI),--locked)
# Data to run on, and what `make up` passes on to `brivas up`.
DATA ?= brivas-data
UP ?=
# What `make test` and `make prove` pass on to pytest.
PYTEST ?=

.PHONY: help build up test prove check format lint rust types pytest peers pins schemas docs clean

help: ## Lists the targets.
	@grep --extended-regexp '^[a-z-]+:.*## ' Makefile | sed --regexp-extended 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand --tabs=18

build: $(INSTALLED) ## Sets up .venv, generates code, builds the extension in release mode. A second run is fast.
	@said=$$(maturin develop --release --uv --skip-install $(LOCKED) --quiet 2>&1) || { echo "$$said" >&2; exit 1; }
	test -x $(BIN)/brivas

up: build ## Runs everything: the gateway, its API, its controllers and a simulated carrier. DATA=DIR, UP="--ports auto".
	@exec $(BIN)/brivas --data "$(DATA)" up $(UP)

test: check pytest ## Runs every check and every test: what CI runs.

prove: build peers ## Runs the long proofs: kill rounds, fault rounds, soak; that the fuzz targets find planted bugs (nightly).
	@pytest -m long --timeout 3600 $(PYTEST)
	cargo test --quiet --package brivas-engine --test bounds -- --ignored
	core/fuzz/planted.sh

check: lint rust types ## Format, lints, Rust tests, types: all but pytest.

lint: build
	@cargo fmt --all --check
	ruff format --check --quiet .
	ruff check --quiet .

rust: build
	@cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo test --workspace --quiet

types: build
	@mypy
	python -m mypy.stubtest brivas._core

pytest: build peers
	@pytest -m "not long" $(PYTEST)

peers: $(PEERS) ## Fetches and builds what tests run beside us: SMPP implementations of others.

format: build ## Formats Rust and Python in place.
	@cargo fmt --all
	ruff format --quiet .
	ruff check --fix --quiet .

schemas: build ## Writes schemas/*.json from the resource kinds.
	@$(BIN)/brivas config schema --write schemas

pins: $(TOOLS) ## Writes constraints.txt anew with the newest versions that fit.
	@env --unset=UV_CONSTRAINT uv pip compile --quiet --upgrade --universal --no-header --no-annotate \
	  --no-emit-package brivas --python-version 3.11 \
	  --group dev pyproject.toml gateways/pyproject.toml orchestration/pyproject.toml --output-file constraints.txt

docs: build ## Builds the documentation into site/, links checked.
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

clean: ## Removes what `make build` made, but no data.
	@rm -rf .venv target site python/brivas/v1 python/brivas/_core*.so tests/peers/node/node_modules tests/peers/java/target tests/peers/go/peer

# --- Stamps -----------------------------------------------------------------------------------------------------------

$(TOOLS): constraints.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	uv pip install --quiet --group pyproject.toml:dev
	touch $@

$(GENERATED): $(TOOLS) $(PROTOS)
	@rm -rf python/brivas/v1
	python -m grpc_tools.protoc --proto_path=proto --python_out=python --grpc_python_out=python \
	  --mypy_out=quiet:python --mypy_grpc_out=quiet:python $(PROTOS)
	echo '"""Generated from proto/ by `make build`."""' > $@

$(INSTALLED): $(TOOLS) $(GENERATED) Cargo.toml core/py/Cargo.toml gateways/pyproject.toml orchestration/pyproject.toml
	@echo "Building the engine in release mode: some minutes, once."
	maturin develop --release --uv $(LOCKED)
	uv pip install --quiet --no-build-isolation --no-sources --editable gateways --editable orchestration
	touch $@

# Without its toolchain a peer is left out here: the tests run all the same, and those that need it fail by name.
tests/peers/node/node_modules/.installed: tests/peers/node/package.json tests/peers/node/package-lock.json
	@if ! command -v npm >/dev/null; then echo "npm is missing: .ci/run installs it" >&2; exit 0; fi
	(cd tests/peers/node && npm ci --ignore-scripts --silent)
	touch $@

tests/peers/java/target/.installed: tests/peers/java/pom.xml $(wildcard tests/peers/java/src/main/java/peers/*.java)
	@if ! command -v mvn >/dev/null; then echo "Maven is missing: .ci/run installs it" >&2; exit 0; fi
	mvn --quiet --batch-mode --file tests/peers/java/pom.xml clean compile dependency:copy-dependencies
	touch $@

tests/peers/go/peer: tests/peers/go/go.mod tests/peers/go/go.sum tests/peers/go/main.go
	@if ! command -v go >/dev/null; then echo "Go is missing: .ci/run installs it" >&2; exit 0; fi
	(cd tests/peers/go && go build -buildvcs=false -mod=readonly -o peer .)
