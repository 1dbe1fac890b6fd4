"""Whether a file is the one of the manifest: by its sum, else by what it must look like, or accepted in its place."""

from __future__ import annotations

from pathlib import Path

from wtal.base.files import digest_of_file, to_json, write_if_changed
from wtal.base.first_seen import read_lock
from wtal.data.fetch.manifest import LOCK, ManifestFile
from wtal.data.fetch.shapes import shape_problem

OTHER_SUM = "accepted with another sha256 than stated"


def problem_with(path: Path, file: ManifestFile, dataset: str = "") -> str | None:
    """Why a file is not the one of the manifest, or None where it is, as far as can be told."""
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size == 0:
        return "empty"
    if file.bytes is not None and size != file.bytes:
        return f"{size:,} bytes where there must be {file.bytes:,}"
    if file.sha256 is None:
        return shape_problem(path, file, dataset)
    if digest_of_file(path) != file.sha256:
        return f"another sha256 than {file.sha256[:12]}..."
    return None


def verified_in_words(file: ManifestFile) -> str:
    """What is known of a file's bytes."""
    return "sha256 as stated" if file.sha256 else "not verified, since nobody has stated its sha256"


def record_accepted(folder: Path, path: str) -> None:
    """Record the sha256 of a file below a data set's folder as accepted, in place of what was accepted before."""
    lock = read_lock(folder / LOCK)
    lock.setdefault("accepted", {})[path] = digest_of_file(folder / path)
    write_if_changed(folder / LOCK, to_json(lock))


def is_accepted(folder: Path, path: str) -> bool:
    """Whether a file below a data set's folder is the one that was accepted with another sha256 than stated."""
    known = read_lock(folder / LOCK).get("accepted", {}).get(path)
    return known is not None and (folder / path).is_file() and digest_of_file(folder / path) == known
