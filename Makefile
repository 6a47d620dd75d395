# `make` alone lists the targets. Everything is made inside this folder, except Debian packages and the sandbox's
# read-only runtime (/var/lib/hal9-ide for root, $XDG_DATA_HOME/hal9-ide for others).
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help setup setup-test run test lint types unit bench bundle screenshots lock format clean

PY := .venv/bin/python
STAMPS := build/stamps
VITALS := $(STAMPS)/venv $(STAMPS)/runtime $(STAMPS)/static
PIP := -m pip install --quiet --require-hashes -r
NPM := npm ci --silent --no-fund --no-audit
export PIP_CACHE_DIR := $(CURDIR)/build/cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export npm_config_cache := $(CURDIR)/build/cache/npm
WORKERS ?= 3

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: system-run $(VITALS)  ## install what the server needs (Debian packages, .venv, sandbox, static files)

run: setup  ## start the server and print its address; options: make run ARGS="--port 9000"
	@exec $(PY) app.py $(ARGS)

test: setup-test lint types unit  ## run every check and every test

lint: $(STAMPS)/dev  ## ruff, the direction of imports, the list of modules to preload
	$(PY) -m ruff check .
	node tools/preload.mjs --check
	.venv/bin/lint-imports --cache-dir build/importlinter

types: $(STAMPS)/dev $(STAMPS)/npm  ## mypy --strict, and tsc over the browser modules
	$(PY) -m mypy
	node_modules/.bin/tsc -p tsconfig.json

unit: setup-test
	node --test --test-reporter=dot tests/js/*.test.js
	$(PY) -m pytest -q -n $(WORKERS) --dist loadfile

bench: setup-test  ## measure: print the figures beside a cold floor taken in the same run
	$(PY) -m bench

bundle: setup-test  ## rebuild the vendored browser bundle from its lock file
	npm run --silent vendor
	node tools/preload.mjs

screenshots: setup-test  ## take the pictures of docs/images from a running server
	$(PY) tools/screenshots.py

lock:  ## pin the requirements*.in lists anew, with hashes
	tools/lock

format: $(STAMPS)/dev  ## sort imports and format Python
	$(PY) -m ruff check --select I --fix .
	$(PY) -m ruff format .

clean:  ## remove everything that was made here, except the data folder
	rm -rf build .venv .venv-client node_modules tools/vendor/node_modules

.PHONY: system-run system-test
system-run:
	@tools/system-packages run

system-test:
	@tools/system-packages test

setup-test: system-test setup $(STAMPS)/dev $(STAMPS)/client $(STAMPS)/npm

$(PY): | system-run
	/usr/bin/python3 -m venv .venv

$(STAMPS)/venv: requirements.txt | $(PY)
	@mkdir -p $(STAMPS)
	$(PY) $(PIP) requirements.txt
	@touch $@

$(STAMPS)/dev: requirements-dev.txt $(STAMPS)/venv
	$(PY) $(PIP) requirements-dev.txt
	@touch $@

$(STAMPS)/client: requirements-client.txt | system-run
	@mkdir -p $(STAMPS)
	/usr/bin/python3 -m venv .venv-client
	.venv-client/bin/python $(PIP) requirements-client.txt
	@touch $@

$(STAMPS)/npm: package-lock.json | system-test
	@mkdir -p $(STAMPS)
	$(NPM)
	@touch $@

$(STAMPS)/runtime: requirements-sandbox.txt requirements-tools.txt $(shell find sandbox -name '*.py') $(STAMPS)/venv
	$(PY) -m sandbox install
	@touch $@

$(STAMPS)/static: $(shell find static -type f 2>/dev/null) $(STAMPS)/venv
	$(PY) -m hal9_ide.static_files
	@touch $@
