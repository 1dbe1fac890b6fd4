"""Recordings that come inside an installed package, which is itself never imported."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from wtal.errors import InputError


def packaged_file(package: str, name: str, install: str) -> Path:
    """Where an installed package keeps a file. Raises InputError, with the command `install`, where it is not there."""
    expected = f"the package with the recordings, which `{install}` installs"
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        raise InputError(file=package, expected=expected, got="no such package") from None
    for file in files:
        if file.as_posix() == name and Path(str(file.locate())).is_file():
            return Path(str(file.locate()))
    raise InputError(file=package, key=name, expected=expected, got="a package without that file")
