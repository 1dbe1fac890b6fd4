"""Recordings that come inside an installed package, which is itself never imported, split by person."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from wtal.base.errors import InputError
from wtal.base.files import installed_file
from wtal.data.store.tables import Subset


def packaged_file(package: str, name: str, install: str) -> Path:
    """Where an installed package keeps a file. Raises InputError, with the command `install`, where it is not there."""
    expected = f"the package with the recordings, which `{install}` installs"
    try:
        return installed_file(package, name)
    except LookupError as error:
        raise InputError(file=package, key=name, expected=expected, got=error) from None


def subset_of_person(person: int, split: str, test: Collection[int], validation: Collection[int]) -> Subset | None:
    """Where a person belongs; in the split `validation` the true test people are in neither subset."""
    if split == "test":
        return "test" if person in test else "train"
    if person in test:
        return None
    return "test" if person in validation else "train"
