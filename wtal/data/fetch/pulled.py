"""Results that DVC brought, held against dvc.lock, since DVC takes on trust what a remote and its own cache have."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wtal.base.edges.regular import opened
from wtal.base.errors import InputError, listed_in_words, nearest
from wtal.base.files import read_json, read_yaml, refused_unwritable
from wtal.data.fetch.manifest import is_safe
from wtal.data.fetch.partial import move_aside

LOCK, PLAN = "dvc.lock", "dvc.yaml"
OBJECTS = "files/md5"  # below DVC's cache: of each content a file named by its md5, the first two letters a folder
FOLDER = ".dir"  # how the name of a content ends that lists a folder
MD5 = re.compile(rf"[0-9a-f]{{32}}({re.escape(FOLDER)})?")
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class PulledFile:
    """A file that DVC keeps: where it lies, and its md5."""

    path: Path
    md5: str


@dataclass
class PulledCheck:
    """What was found: every file by what is wrong with it."""

    n_whole: int = 0
    damaged: list[Path] = field(default_factory=list)  # removed by now; a folder whose list is damaged was moved aside
    lacking: list[Path] = field(default_factory=list)

    def refuse(self) -> None:
        """Say what is wrong. Raises InputError where anything is."""
        found = []
        if self.damaged:
            found.append(f"other bytes in {len(self.damaged)} ({listed_in_words(self.damaged, MOST_NAMED)})")
        if self.lacking:
            found.append(f"{len(self.lacking)} that the remote lacks ({listed_in_words(self.lacking, MOST_NAMED)})")
        if found:
            first = (self.damaged or self.lacking)[0]
            expected = (
                f"every file as {LOCK} records it by its md5 (what is damaged was removed; pull again, and where the "
                "remote's own copy is bad, delete it there and push again from where the run was made)"
            )
            raise InputError(file=first, expected=expected, got="; ".join(found))


def check_pulled(root: Path, cache: Path, stages: Sequence[str], *, only_cache: bool = False) -> PulledCheck:
    """Hold every file of some stages against dvc.lock, and remove what is damaged, from DVC's cache too.

    root: of the project, which is DVC's. only_cache: look at what DVC has fetched and leave the project's files alone,
    as after a pull that failed. Raises InputError where dvc.yaml, dvc.lock or a list of a folder cannot be read.
    """
    found = PulledCheck()
    for path, md5 in _outs(root, stages):
        if md5.endswith(FOLDER):
            listing = _object(cache, md5)
            if not listing.is_file():
                found.lacking.append(path)
                continue
            if _md5(listing) != md5.removesuffix(FOLDER):  # which files are whole cannot be told
                found.damaged.append(path)
                with refused_unwritable(root / path):
                    listing.unlink()
                    if not only_cache and (root / path).is_dir():
                        move_aside(root / path)
                continue
            files = [PulledFile(path / name, each) for name, each in _listed(listing)]
        else:
            files = [PulledFile(path, md5)]
        for file in files:
            _check(root, cache, file, found, only_cache)
    return found


def _check(root: Path, cache: Path, file: PulledFile, found: PulledCheck, only_cache: bool) -> None:
    kept = _object(cache, file.md5)
    place = kept if only_cache else root / file.path
    if not place.is_file():
        found.lacking.append(file.path)
    elif _md5(place) == file.md5:
        found.n_whole += 1
    else:
        found.damaged.append(file.path)
        with refused_unwritable(place):
            place.unlink()
            if kept.is_file() and _md5(kept) != file.md5:
                kept.unlink()


def _outs(root: Path, stages: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Path and md5 of what DVC keeps of some stages; what git keeps is not among dvc.yaml's outs."""
    plan, lock = (_group(root / name, "stages", read_yaml(root / name)) for name in (PLAN, LOCK))
    for stage in stages:
        if stage not in lock:
            expected = f"a stage that was run and pushed ({nearest(stage, lock)})"
            raise InputError(file=root / LOCK, key=stage, expected=expected, got="none")
        planned = _group(root / PLAN, stage, {stage: plan.get(stage)}).get("outs", [])
        kept = {out if isinstance(out, str) else next(iter(out), "") for out in planned}
        for out in _group(root / LOCK, stage, lock).get("outs", []):
            path, md5 = (out.get(key) for key in ("path", "md5")) if isinstance(out, dict) else ("", "")
            if path not in kept:
                continue
            if not isinstance(md5, str) or not MD5.fullmatch(md5) or not is_safe(str(path)):
                raise InputError(file=root / LOCK, key=f"{stage}/{path}", expected="a path and its md5", got=out)
            yield Path(str(path)), md5


def _group(file: Path, key: str, values: Any) -> dict[str, Any]:
    group = values.get(key) if isinstance(values, dict) else None
    if not isinstance(group, dict):
        raise InputError(file=file, key=key, expected="a group", got=type(group).__name__)
    return group


def _listed(listing: Path) -> Iterator[tuple[str, str]]:
    """Name and md5 of each file of a folder."""
    for entry in read_json(listing):
        name, md5 = (entry.get(key) for key in ("relpath", "md5")) if isinstance(entry, dict) else ("", "")
        if not isinstance(name, str) or not isinstance(md5, str) or not is_safe(name) or not MD5.fullmatch(md5):
            raise InputError(file=listing, expected="files below a folder, each with its md5", got=entry)
        yield name, md5


def _object(cache: Path, md5: str) -> Path:
    return cache / OBJECTS / md5[:2] / md5[2:]


def _md5(path: Path) -> str:
    with opened(path) as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
