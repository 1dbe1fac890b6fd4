#!/usr/bin/env bash
# Snakemake runs this once in a new environment: all that jobs read, and this package as it lies in the checkout.
set -euo pipefail
checkout="$WTAL_CHECKOUT"
# What is installed in the home folder would come before what is installed here, now and in jobs.
export PYTHONNOUSERSITE=1
mkdir -p "$CONDA_PREFIX/etc/conda/activate.d"
echo 'export PYTHONNOUSERSITE=1' >"$CONDA_PREFIX/etc/conda/activate.d/wtal.sh"
python -m pip install --quiet --constraint "$checkout/constraints.txt" --editable "$checkout[demo,report,train,video]" h5py
# Of this package a file is read, so nothing that it needs is installed.
python -m pip install --quiet --no-deps seglearn==1.2.5
