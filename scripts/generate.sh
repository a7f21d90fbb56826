#!/usr/bin/env bash
# Generates everything again: protobuf modules, JSON Schema, TypeScript, docs/settings.md.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

.venv/bin/python scripts/generate_proto.py
.venv/bin/python -m rotunda_contract.schema
.venv/bin/python scripts/generate_settings.py
.venv/bin/python scripts/generate_chart.py
npm --prefix web run --silent generate
