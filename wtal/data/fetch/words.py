"""What a fetch has to say: what was tried for a file and why it failed, and one message of all that cannot be had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wtal.base.errors import one_line
from wtal.data.fetch.manifest import LOCK, Manifest, ManifestFile
from wtal.data.fetch.partial import move_aside

DRIVE = "https://drive.google.com/file/d/"
MOST_LETTERS = 600  # of a line: addresses are long


@dataclass
class Attempt:
    """What was tried for one file, and why it failed."""

    file: ManifestFile
    target: Path
    failures: list[tuple[str, str]] = field(default_factory=list)
    bad: str | None = None  # what is wrong with the file that lies at the target
    aside: Path | None = None  # where that was moved

    def make_room(self) -> None:
        """Move a bad file at the target aside, once."""
        if self.bad is not None and self.aside is None and os.path.lexists(self.target):
            self.aside = move_aside(self.target)

    def moved_in_words(self) -> str:
        """What became of the file that was there; empty where nothing was moved."""
        return "" if self.aside is None else f"; what was there before ({self.bad}) is now {self.aside}"

    def reason(self) -> str:
        """Why no source gave the file."""
        return "; ".join(f"{said(source)} ({why})" for source, why in self.failures) + self.moved_in_words()


def said(text: object) -> str:
    """Text of a manifest or a server, as it may stand in a line of a terminal."""
    return one_line(text, MOST_LETTERS)


def _named(source: str) -> str:
    scheme, _, rest = source.partition(":")
    if scheme == "google-drive":
        return said(f"{DRIVE}{rest}")
    return said(rest.strip() if scheme == "manual" else source)


def missing_in_words(manifest: Manifest, missing: Sequence[Attempt], found: Sequence[str]) -> str:
    """Every file that could not be had, with its sources and the place where to put it."""
    files = "file" if len(missing) == 1 else "files"
    n_verified = sum("sha256 as" in line for line in found)
    there = f"{len(found)} could, {n_verified} of them verified by their sha256" if found else "0 could"
    lines = [f"{len(missing)} {files} of {manifest.dataset} could not be had ({there})"]
    for attempt in missing:
        size = f" ({attempt.file.bytes:,} bytes)" if attempt.file.bytes else ""
        lines.append(f"  {attempt.file.path}{size}: put it at {attempt.target}")
        if attempt.aside is not None:
            lines.append(f"    what was there before is now {attempt.aside}: {attempt.bad}")
        lines += [f"    from {_named(source)}: {why}" for source, why in attempt.failures]
    again = f"wtal fetch {manifest.dataset} --from FOLDER"
    lines += [f"  terms: {said(manifest.licence)}", f"  files fetched by hand into one folder are found with: {again}"]
    return "\n".join(lines)


def accepted_in_words(manifest: Manifest, into: Path, n_accepted: int) -> list[str]:
    """How many files were taken with other sums than stated; no line where none was."""
    if not n_accepted:
        return []
    files = (
        f"{n_accepted} file is not the published one"
        if n_accepted == 1
        else f"{n_accepted} files are not the published ones"
    )
    where = f"recorded in {into / LOCK} and in what is prepared from them"
    return [f"{manifest.dataset}: {files} by their sha256; accepted as asked, {where}"]
