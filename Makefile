# Everything a person does with this repository. The work is in scripts/; this file only names it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PORT ?= 8080
TIERS := .venv/bin/python scripts/tiers.py

.PHONY: help setup run test images push cluster demo e2e cluster-down check stories fuzz bench fmt generate requirements clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## prepare a checkout for development, browsers included
	@scripts/setup.sh test

run: ## build what changed and serve on 127.0.0.1 (PORT=8080)
	@scripts/setup.sh run
	@exec .venv/bin/rotunda serve --port $(PORT)

test: ## all checks, unit tests and the stories in real browsers
	@scripts/setup.sh test
	@$(TIERS) check unit stories

images: ## build the container images (REGISTRY=rotunda.local TAG=the version)
	@scripts/images/build.sh

push: ## push the images that were built with the same REGISTRY and TAG
	@scripts/images/push.sh

cluster: ## start a local Kubernetes cluster of three nodes, or find it running
	@scripts/cluster/up.sh

demo: ## install the chart on the local cluster and print a room's address
	@scripts/demo.sh

e2e: ## the stories on the cluster of KUBECONFIG, or on the local one with the demo
	@scripts/setup.sh test
	@scripts/e2e.sh

cluster-down: ## remove the local cluster, and the Docker engine where we started it
	@scripts/cluster/down.sh

check: ## formatting, lint, types, import arrows, generated files
	@scripts/setup.sh test
	@$(TIERS) check

stories: ## only the stories in real browsers
	@scripts/setup.sh test
	@$(TIERS) stories

fuzz: ## every parser's fuzz target for a minute
	@scripts/fuzz.sh

bench: ## the benchmarks, with their results as tables
	@scripts/setup.sh test
	@scripts/bench.sh

fmt: ## format all sources
	@scripts/setup.sh test
	@scripts/fmt.sh

generate: ## write all generated sources anew
	@scripts/setup.sh test
	@scripts/generate.sh

requirements: ## pin the Python requirements anew from pyproject.toml
	@scripts/requirements.sh

clean: ## remove what was built here (the cache in ~/.cache/rotunda stays)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache web/node_modules web/dist
