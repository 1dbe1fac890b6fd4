"""A `conda` that answers Snakemake and makes real environments, of venv and of the packages that the tests have.

It knows the calls of Snakemake's `deployment/conda.py` and no others. Python is the one of the tests whatever the file
asks for, and what is installed beside it is seen from the new environment, so that nothing is downloaded but what
builds this package. The script that Snakemake runs in a new environment, `.post-deploy.sh`, runs as ever.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

PROGRAM = """#!/usr/bin/env bash
set -euo pipefail
echo "$*" >>"{base}/asked"
case "$*" in
  "info --json") echo '{{"conda_prefix": "{base}", "platform": "linux-64"}}' ;;
  "clean -y --tarballs") ;;
  "--version") echo "conda 25.3.1" ;;
  "config --get channel_priority --json") echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
  "env create --quiet --no-default-packages --file "*" --prefix "*)
    file="$6" prefix="$8"
    grep -q '^  - python=' "$file"
    "{python}" -m venv --without-pip "$prefix"
    echo "{packages}" >"$("$prefix/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/shown.pth"
    ;;
  *) echo "conda: unknown call: $*" >&2; exit 2 ;;
esac
"""

ACTIVATE = """export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"
for script in "$1"/etc/conda/activate.d/*.sh; do
  if [ -r "$script" ]; then . "$script"; fi
done
"""


def make_conda(folder: Path) -> Path:
    """Lay a conda into a folder; the folder that belongs on PATH."""
    base = folder / "conda"
    for name, text in (
        ("condabin/conda", PROGRAM.format(base=base, python=sys.executable, packages=sysconfig.get_path("purelib"))),
        ("bin/activate", ACTIVATE),
    ):
        path = base / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o755)
    return base / "condabin"


def n_created(programs: Path) -> int:
    """How many environments such a conda has made."""
    asked = (programs.parent / "asked").read_text().splitlines()
    return sum(call.startswith("env create") for call in asked)
