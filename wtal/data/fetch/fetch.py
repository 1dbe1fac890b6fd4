"""Fetches the files of a manifest: the next source on failure, and one message where nothing helps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from wtal.base.edges.outputs import check_output
from wtal.base.errors import InputError, WtalError
from wtal.base.files import digest_of_file, to_json, write_if_changed
from wtal.base.first_seen import hold_to_lock, read_lock
from wtal.base.progress import ShownProgress
from wtal.data.fetch.by_hand import FoundFeatures, found_features, take_features, video_names
from wtal.data.fetch.manifest import LOCK, Manifest, ManifestFile, Part
from wtal.data.fetch.sources import (
    Hosts,
    SourceError,
    copy_from,
    download,
    file_in_package,
    from_google_drive,
    path_of_url,
)

OTHER_SUM = "accepted with another sha256 than stated"
ATTEMPTS = 3  # with one source, as long as each brings more bytes
DRIVE = "https://drive.google.com/file/d/"


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


@dataclass
class _Attempt:
    """What was tried for one file, and why it failed."""

    file: ManifestFile
    target: Path
    failures: list[tuple[str, str]] = field(default_factory=list)


def fetch(request: FetchRequest) -> list[str]:
    """Fetch what is missing or altered, verify the rest; returns a line a file.

    A file whose sha256 nobody has stated is recorded in the data set's lock when it is first seen, and held against
    it from then on. Features may be there in another layout than the manifest's file. With `accept_other_sums` a file
    fetched by hand is taken whatever its sha256, which the lock records as accepted; a last line says of how many.
    Raises MissingFilesError, after everything that can be had was fetched, naming all that cannot.
    """
    hosts, lines, missing = Hosts(), [], []
    seen = read_lock(request.into / LOCK).get("files", {})
    for file in request.manifest.files:
        check_output(request.into / file.path)
    made = _absent(request)
    for file in request.manifest.files:
        if request.only and file.part != request.only:
            continue
        attempt = _Attempt(_as_first_seen(file, seen), request.into / file.path)
        found = _features_there(request, attempt) or _fetch_file(request, attempt, hosts)
        if found and file.sha256 != attempt.file.sha256:
            found = found.replace("as stated", "as first seen")
        if found and file.sha256 is None and attempt.target.is_file():
            hold_to_lock(request.into / LOCK, "files", {file.path: digest_of_file(attempt.target)})
        if found:
            lines.append(f"{file.path}: {found}")
        elif file.optional:
            lines.append(f"{file.path}: not there, and not needed: {_reason(attempt)}")
        else:
            missing.append(attempt)
    for folder in made:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    if missing:
        raise MissingFilesError(_message(request, missing, lines))
    return lines + _accepted_in_words(request, sum(OTHER_SUM in line for line in lines))


def _accepted_in_words(request: FetchRequest, n_accepted: int) -> list[str]:
    if not n_accepted:
        return []
    files = (
        f"{n_accepted} file is not the published one"
        if n_accepted == 1
        else f"{n_accepted} files are not the published ones"
    )
    where = f"recorded in {request.into / LOCK} and in what is prepared from them"
    return [f"{request.manifest.dataset}: {files} by their sha256; accepted as asked, {where}"]


def _absent(request: FetchRequest) -> list[Path]:
    """The folders that fetching may have to make, the deepest first."""
    targets = [(request.into / file.path).parent for file in request.manifest.files]
    folders = {folder for target in targets for folder in (target, *target.parents) if not folder.exists()}
    return sorted(folders, key=lambda folder: len(folder.parts), reverse=True)


def _as_first_seen(file: ManifestFile, seen: dict[str, str]) -> ManifestFile:
    """A file of the manifest with the sha256 of the lock, where the manifest has none."""
    known = seen.get(file.path)
    return replace(file, sha256=known) if file.sha256 is None and isinstance(known, str) else file


def _features_there(request: FetchRequest, attempt: _Attempt) -> str | None:
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


def problem_with(path: Path, file: ManifestFile) -> str | None:
    """Why a file is not the one of the manifest, or None where it is, as far as the manifest can tell."""
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size == 0:
        return "empty"
    if file.bytes is not None and size != file.bytes:
        return f"{size:,} bytes where there must be {file.bytes:,}"
    if file.sha256 is not None and digest_of_file(path) != file.sha256:
        return f"another sha256 than {file.sha256[:12]}..."
    return None


def _verified(file: ManifestFile) -> str:
    return "sha256 as stated" if file.sha256 else "not verified, since nobody has stated its sha256"


def _fetch_file(request: FetchRequest, attempt: _Attempt, hosts: Hosts) -> str | None:
    """How the file was had, or None with the failures in the attempt."""
    file, target = attempt.file, attempt.target
    problem = problem_with(target, file)
    if problem is None:
        return f"already there, {_verified(file)}"
    if problem != "missing" and is_accepted(request.into, file.path):
        return f"already there, {OTHER_SUM}"
    if problem != "missing":
        attempt.failures.append((str(target), problem))
    for source in _sources(request, file):
        try:
            if source.startswith("package:"):
                packaged = file_in_package(source)
                problem = problem_with(packaged, file)
                if problem:
                    raise SourceError(f"{packaged}: {problem}")
                return f"in its package, {_verified(file)} ({packaged})"
            accepts = request.accept_other_sums and Path(source) in request.by_hand_paths(file)
            _from_source(source, target, replace(file, sha256=None, bytes=None) if accepts else file, hosts)
        except OSError as error:
            raise InputError(file=target, expected="a path that can be written", got=error.strerror or error) from None
        except SourceError as error:
            attempt.failures.append((source, str(error)))
            continue
        if accepts and file.sha256 is not None and problem_with(target, file):
            record_accepted(request.into, file.path)
            return f"fetched from {source}, {OTHER_SUM}"
        return f"fetched from {source}, {_verified(file)}"
    return None


def record_accepted(folder: Path, path: str) -> None:
    """Record the sha256 of a file below a data set's folder as accepted, in place of what was accepted before."""
    lock = read_lock(folder / LOCK)
    lock.setdefault("accepted", {})[path] = digest_of_file(folder / path)
    write_if_changed(folder / LOCK, to_json(lock))


def is_accepted(folder: Path, path: str) -> bool:
    """Whether a file below a data set's folder is the one that was accepted with another sha256 than stated."""
    known = read_lock(folder / LOCK).get("accepted", {}).get(path)
    return known is not None and (folder / path).is_file() and digest_of_file(folder / path) == known


def _sources(request: FetchRequest, file: ManifestFile) -> list[str]:
    first = [str(path) for path in request.by_hand_paths(file)]
    if request.mirror is not None:
        first.append(f"{request.mirror.rstrip('/')}/{request.manifest.dataset}/{file.path}")
    return [*first, *file.sources]


def _from_source(source: str, target: Path, file: ManifestFile, hosts: Hosts) -> None:
    """Bring one source's file to its target, whole and verified, or raise SourceError and leave the target alone."""
    scheme, _, rest = source.partition(":")
    if scheme == "manual":
        raise SourceError("by hand only")
    partial = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    if scheme in ("https", "http"):
        _download_verified(source, partial, file, hosts)
    else:
        if scheme == "google-drive":
            from_google_drive(rest, partial)
        else:
            copy_from(path_of_url(source) if scheme == "file" else Path(source), partial)
        problem = problem_with(partial, file)
        if problem:
            partial.unlink(missing_ok=True)
            raise SourceError(problem)
    partial.replace(target)


def _download_verified(url: str, partial: Path, file: ManifestFile, hosts: Hosts) -> None:
    if file.sha256 is None:
        partial.unlink(missing_ok=True)  # nothing could tell whether its beginning is of the same file
    shown = ShownProgress(file.path)
    failure = SourceError("nothing came")
    for _ in range(ATTEMPTS):
        begun = partial.stat().st_size if partial.exists() else 0
        try:
            download(url, partial, hosts=hosts, limit=file.bytes, progress=shown)
        except SourceError as error:
            failure = error
            if partial.exists() and partial.stat().st_size > begun:
                continue
            break
        problem = problem_with(partial, file)
        if problem is None:
            shown.end()
            return
        partial.unlink(missing_ok=True)
        failure = SourceError(problem)
        if not begun:
            break
    if partial.exists() and partial.stat().st_size == 0:
        partial.unlink()
    raise failure


def _reason(attempt: _Attempt) -> str:
    return "; ".join(f"{source} ({why})" for source, why in attempt.failures)


def _named(source: str) -> str:
    scheme, _, rest = source.partition(":")
    if scheme == "google-drive":
        return f"{DRIVE}{rest}"
    return rest.strip() if scheme == "manual" else source


def _message(request: FetchRequest, missing: list[_Attempt], found: list[str]) -> str:
    manifest = request.manifest
    files = "file" if len(missing) == 1 else "files"
    n_verified = sum("sha256 as" in line for line in found)
    there = f"{len(found)} could, {n_verified} of them verified by their sha256" if found else "0 could"
    lines = [f"{len(missing)} {files} of {manifest.dataset} could not be had ({there})"]
    for attempt in missing:
        size = f" ({attempt.file.bytes:,} bytes)" if attempt.file.bytes else ""
        lines.append(f"  {attempt.file.path}{size}: put it at {attempt.target}")
        lines += [f"    from {_named(source)}: {why}" for source, why in attempt.failures]
    again = f"wtal fetch {manifest.dataset} --from FOLDER"
    lines += [f"  terms: {manifest.licence}", f"  files fetched by hand into one folder are found with: {again}"]
    return "\n".join(lines)
