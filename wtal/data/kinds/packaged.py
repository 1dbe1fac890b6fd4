"""Recordings that come inside an installed package, which is itself never imported, split by person."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Collection
from pathlib import Path

from wtal.base.errors import InputError
from wtal.data.store.tables import Subset


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


def subset_of_person(person: int, split: str, test: Collection[int], validation: Collection[int]) -> Subset | None:
    """Where a person belongs; in the split `validation` the true test people are in neither subset."""
    if split == "test":
        return "test" if person in test else "train"
    if person in test:
        return None
    return "test" if person in validation else "train"
