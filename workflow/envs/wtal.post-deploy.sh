#!/usr/bin/env bash
# Snakemake runs this once in the new environment; the package itself comes from this checkout.
set -euo pipefail
root="$(git rev-parse --show-toplevel)"
python -m pip install --quiet --constraint "$root/constraints.txt" "$root[demo,report,train]"
