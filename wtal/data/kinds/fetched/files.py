"""The fetched files of a manifest: all there, each the published one or accepted in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import digest_of_file, read_text
from wtal.base.first_seen import read_lock
from wtal.base.records import Floats
from wtal.data.fetch.manifest import LOCK, Manifest, ManifestFile


@dataclass(frozen=True, slots=True)
class FetchedFiles:
    """The files of a data set below a folder, and how many of them are not known to be the published ones."""

    folder: Path
    manifest: Manifest
    n_other: int  # accepted with another sha256 than the manifest states
    n_unstated: int  # recordings of which nobody has stated a sha256

    def source(self, faults: Sequence[str]) -> str:
        """Where the recordings come from and what is known of their bytes, with the sentences about faulty rows."""
        notes = [f"{self.manifest.title}. Published at {self.manifest.address}"]
        if self.n_other:
            notes.append(
                f"{self.n_other} files are not the published ones by their sha256, accepted by who fetched them"
            )
        if self.n_unstated:
            notes.append(f"{self.n_unstated} files not verified, since nobody has stated their sha256")
        return "; ".join([*notes, *faults])


def fetched_files(manifest: Manifest, folder: str | Path) -> FetchedFiles:
    """Hold every file of a manifest against its sha256, or the one that was accepted or first seen in its place.

    Raises InputError where a file is missing or is another.
    """
    folder = Path(folder)
    missing = [file.path for file in manifest.files if not (folder / file.path).is_file()]
    if missing:
        expected = f"the files of {manifest.dataset}, which `wtal fetch {manifest.dataset}` fetches"
        got = f"{len(missing)} of {len(manifest.files)} missing, {missing[0]} first"
        raise InputError(file=folder, expected=expected, got=got)
    lock = read_lock(folder / LOCK)
    seen, accepted = lock.get("files", {}), lock.get("accepted", {})
    n_other = 0
    for file in manifest.files:
        n_other += _is_other(folder, file, accepted.get(file.path), seen.get(file.path))
    n_unstated = sum(file.sha256 is None and file.part == "recordings" for file in manifest.files)
    return FetchedFiles(folder, manifest, n_other, n_unstated)


def _is_other(folder: Path, file: ManifestFile, accepted: object, seen: object) -> bool:
    """Whether a file is another than the manifest states and was accepted. Raises InputError where it was not."""
    wanted = file.sha256 or seen
    if wanted is None:
        return False
    found = digest_of_file(folder / file.path)
    if found not in (wanted, accepted):
        expected = f"sha256 {str(wanted)[:12]}... (`wtal fetch` takes files with others too: --accept-other-sums)"
        raise InputError(file=folder / file.path, expected=expected, got=f"{found[:12]}...")
    return found != wanted


def fetched_listing(manifest: Manifest, folder: str | Path) -> dict[str, str]:
    """Bytes and time of each file of a manifest and of the lock; empty where a file is missing."""
    listing = {}
    for path in (*(file.path for file in manifest.files), LOCK):
        try:
            about = (Path(folder) / path).stat()
        except OSError:
            if path == LOCK:
                continue
            return {}
        listing[path] = f"{about.st_size} bytes, {about.st_mtime_ns} ns"
    return listing


def read_columns(path: Path, columns: Sequence[int], *, delimiter: str, heading: int = 0) -> Floats:
    """Columns [S, len(columns)] of a table of numbers, below lines of heading.

    Raises InputError where the table has no row, or a row lacks one of the columns or has anything but a finite number.
    """
    lines = read_text(path).splitlines()[heading:]
    rows = [line for line in lines if line.strip()]
    if not rows:
        raise InputError(file=path, expected="rows of numbers", got="none")
    try:
        table = np.loadtxt(rows, delimiter=delimiter, usecols=columns, ndmin=2, comments=None)
    except (ValueError, IndexError) as error:
        got = " ".join(str(error).split())
        raise InputError(file=path, expected=f"numbers separated by {delimiter!r}", got=got) from None
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise InputError(file=path, key=f"row {row}", expected="finite numbers", got="one that is not")
    return table
