"""Fetches the files of a manifest: the next source on failure, and one message where nothing helps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from wtal.base.edges.outputs import check_output
from wtal.base.errors import InputError, WtalError
from wtal.base.files import digest_of_file
from wtal.base.first_seen import hold_to_lock, read_lock
from wtal.data.fetch.answers import Hosts, SourceError
from wtal.data.fetch.by_hand import FoundFeatures, found_features, take_features, video_names
from wtal.data.fetch.downloads import Check, Download
from wtal.data.fetch.manifest import LOCK, Manifest, ManifestFile, Part
from wtal.data.fetch.partial import settle
from wtal.data.fetch.sources import copy_from, file_in_package, from_google_drive, path_of_url
from wtal.data.fetch.turns import turn_in
from wtal.data.fetch.verify import OTHER_SUM, is_accepted, problem_with, record_accepted, verified_in_words
from wtal.data.fetch.words import Attempt, accepted_in_words, missing_in_words, said


class MissingFilesError(WtalError):
    """Every file that could not be had, with its sources and the place where to put it."""


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to fetch and where it may come from beside the manifest's own sources."""

    manifest: Manifest
    into: Path
    mirror: str | None = None  # a folder or URL that holds DATASET/FILE; asked before the manifest's sources
    by_hand: Path | None = None  # a folder with files that somebody fetched by hand; looked into first
    only: Part | None = None
    accept_other_sums: bool = False  # of files fetched by hand: take them and record that their sums differ

    def by_hand_paths(self, file: ManifestFile) -> list[Path]:
        """Where a file may lie in the folder of files fetched by hand: below it, or in it where its name is its own."""
        if self.by_hand is None:
            return []
        names = [PurePosixPath(other.path).name for other in self.manifest.files]
        name = PurePosixPath(file.path).name
        return [self.by_hand / path for path in dict.fromkeys((file.path, *([name] * (names.count(name) == 1))))]


def fetch(request: FetchRequest) -> list[str]:
    """Fetch what is missing or altered, verify the rest; returns a line a file.

    A file whose sha256 nobody has stated is recorded in the data set's lock when it is first seen, and held against
    it from then on. Features may be there in another layout than the manifest's file. With `accept_other_sums` a file
    fetched by hand is taken whatever its sha256, which the lock records as accepted; a last line says of how many.
    Raises MissingFilesError, after everything that can be had was fetched, naming all that cannot.
    """
    for file in request.manifest.files:
        check_output(request.into / file.path)
    made = _absent(request)
    with turn_in(request.into):
        try:
            return _fetch_all(request)
        finally:
            for folder in made:
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()


def _fetch_all(request: FetchRequest) -> list[str]:
    hosts, lines, missing = Hosts(), [], []
    seen = read_lock(request.into / LOCK).get("files", {})
    for file in request.manifest.files:
        if request.only and file.part != request.only:
            continue
        attempt = Attempt(_as_first_seen(file, seen), request.into / file.path)
        found = _features_there(request, attempt) or _fetch_file(request, attempt, hosts)
        if found and file.sha256 != attempt.file.sha256:
            found = found.replace("as stated", "as first seen")
        if found and file.sha256 is None and attempt.target.is_file():
            hold_to_lock(request.into / LOCK, "files", {file.path: digest_of_file(attempt.target)})
        if found:
            lines.append(f"{file.path}: {said(found)}")
        elif file.optional:
            lines.append(f"{file.path}: not there, and not needed: {attempt.reason()}")
        else:
            missing.append(attempt)
    if missing:
        raise MissingFilesError(missing_in_words(request.manifest, missing, lines))
    n_accepted = sum(OTHER_SUM in line for line in lines)
    return lines + accepted_in_words(request.manifest, request.into, n_accepted)


def _absent(request: FetchRequest) -> list[Path]:
    """The folders that fetching may have to make, the deepest first."""
    targets = [(request.into / file.path).parent for file in request.manifest.files]
    folders = {folder for target in targets for folder in (target, *target.parents) if not folder.exists()}
    return sorted(folders, key=lambda folder: len(folder.parts), reverse=True)


def _as_first_seen(file: ManifestFile, seen: dict[str, str]) -> ManifestFile:
    """A file of the manifest with the sha256 of the lock, where the manifest has none."""
    known = seen.get(file.path)
    return replace(file, sha256=known) if file.sha256 is None and isinstance(known, str) else file


def _features_there(request: FetchRequest, attempt: Attempt) -> str | None:
    """How features are there in another layout than the manifest's one file, taken by hand where they lie there."""
    file, target = attempt.file, attempt.target
    if file.part != "features" or "/" not in file.path or target.exists():
        return None
    names = video_names(request.manifest, request.into)
    found = found_features(target.parent, names)
    taken = 0
    if request.by_hand is not None and not (found and found.is_whole):
        if any((request.by_hand / path).is_file() for path in (file.path, target.name)):
            return None
        taken = take_features(request.manifest, request.by_hand, target.parent, names)
        found = found_features(target.parent, names)
    if found is None or not found.is_whole:
        if found is not None:
            attempt.failures.append((str(target.parent), f"{found} alone"))
        return None
    return f"{_there(found)} ({taken} files taken from {request.by_hand})" if taken else _there(found)


def _there(found: FoundFeatures) -> str:
    return f"there as {found}, not verified (`wtal check-data` holds them against durations and the lock)"


def _fetch_file(request: FetchRequest, attempt: Attempt, hosts: Hosts) -> str | None:
    """How the file was had, or None with the failures in the attempt. A bad one that was there is moved aside."""
    file, target = attempt.file, attempt.target
    problem = problem_with(target, file, request.manifest.dataset)
    if problem is None:
        return f"already there, {verified_in_words(file)}"
    if problem != "missing":
        if is_accepted(request.into, file.path):
            return f"already there, {OTHER_SUM}"
        attempt.bad = problem
    try:
        for source in _sources(request, file):
            try:
                found = _from_source(request, attempt, source, hosts)
            except SourceError as error:
                attempt.failures.append((source, str(error)))
            else:
                return found + attempt.moved_in_words()
        attempt.make_room()
    except OSError as error:
        raise InputError(file=target, expected="a path that can be written", got=error.strerror or error) from None
    return None


def _sources(request: FetchRequest, file: ManifestFile) -> list[str]:
    first = [str(path) for path in request.by_hand_paths(file)]
    if request.mirror is not None:
        first.append(f"{request.mirror.rstrip('/')}/{request.manifest.dataset}/{file.path}")
    return [*first, *file.sources]


def _from_source(request: FetchRequest, attempt: Attempt, source: str, hosts: Hosts) -> str:
    """Bring one source's file to its target, whole and verified, or raise SourceError and leave the target alone."""
    file, target, dataset = attempt.file, attempt.target, request.manifest.dataset
    if source.startswith("package:"):
        packaged = file_in_package(source)
        problem = problem_with(packaged, file, dataset)
        if problem:
            raise SourceError(f"{packaged}: {problem}")
        attempt.make_room()
        return f"in its package, {verified_in_words(file)} ({packaged})"
    accepts = request.accept_other_sums and Path(source) in request.by_hand_paths(file)
    wanted = replace(file, sha256=None, bytes=None) if accepts else file
    partial = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    _bring(source, partial, wanted, hosts, lambda path: problem_with(path, wanted, dataset))
    if not (target.exists() and Path(source).exists() and target.samefile(source)):
        attempt.make_room()
    settle(partial, target)
    if accepts and file.sha256 is not None and problem_with(target, file):
        record_accepted(request.into, file.path)
        return f"fetched from {source}, {OTHER_SUM}"
    return f"fetched from {source}, {verified_in_words(file)}"


def _bring(source: str, partial: Path, file: ManifestFile, hosts: Hosts, check: Check) -> None:
    """One source's file in its partial file, whole and checked. Raises SourceError."""
    scheme, _, rest = source.partition(":")
    if scheme == "manual":
        raise SourceError("by hand only")
    if scheme in ("https", "http"):
        Download(source, partial, file, hosts, check).run()
        return
    if scheme == "google-drive":
        from_google_drive(rest, partial)
    else:
        copy_from(path_of_url(source) if scheme == "file" else Path(source), partial)
    problem = check(partial)
    if problem:
        partial.unlink(missing_ok=True)
        raise SourceError(problem)
