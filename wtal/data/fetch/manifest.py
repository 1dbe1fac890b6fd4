"""Manifests: which files a data set is made of, from where each can be had, and its sha256."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Literal

from wtal.base.errors import InputError, nearest, require
from wtal.base.files import read_yaml
from wtal.base.schema import from_mapping

SCHEMES = ("https", "http", "file", "package", "google-drive", "manual")
# In the data set's folder: what was first seen, and in `accepted` the sums that are others than stated.
LOCK = "lock.json"
Part = Literal["annotations", "features", "recordings", "diagnosis"]


def is_safe(path: str) -> bool:
    """Whether a path stays below the folder it is joined to, on any system."""
    parts = path.split("/")
    plain = "\\" not in path and ":" not in path and not any(ord(letter) < 32 for letter in path)
    return bool(path) and plain and not PurePosixPath(path).is_absolute() and not {"", ".", "..", "~"} & set(parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestFile:
    """One file of a data set and its sources, tried in order."""

    path: str  # below the folder of the data set
    sources: tuple[str, ...] = ()  # scheme:rest, see SCHEMES; none: at its path below the manifest's address
    sha256: str | None = None  # null: nobody has stated it, so that the file cannot be verified
    bytes: int | None = None
    part: Part = "annotations"
    optional: bool = False
    about: str = ""  # what it holds, its shapes

    def __post_init__(self) -> None:
        require(is_safe(self.path), "path", "a relative path below the data set's folder", self.path)
        for source in self.sources:
            scheme, _, rest = source.partition(":")
            require(scheme in SCHEMES and bool(rest), "sources", f"one of {', '.join(SCHEMES)}, then a colon", source)
        known = self.sha256 is None or re.fullmatch("[0-9a-f]{64}", self.sha256) is not None
        require(known, "sha256", "64 hexadecimal digits, lower case", self.sha256)
        require(self.bytes is None or self.bytes > 0, "bytes", "a whole number above 0", self.bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """All that is known of where a data set comes from."""

    dataset: str
    title: str
    licence: str
    citation: str
    address: str = ""  # of a folder that holds the files without sources of their own, with its last slash
    files: tuple[ManifestFile, ...]

    def __post_init__(self) -> None:
        plain = re.fullmatch("[a-z0-9][a-z0-9_.-]*", self.dataset) is not None
        require(plain, "dataset", "a name of small letters, digits, - and _", self.dataset)
        paths = [file.path for file in self.files]
        require(bool(paths) and len(set(paths)) == len(paths), "files", "at least one file, each path once", paths)
        sourced = all(file.sources for file in self.files) or self.address.endswith("/")
        require(sourced, "sources", "at least one source of each file, or an address that ends in /", "none")
        files = [file if file.sources else replace(file, sources=(self.address + file.path,)) for file in self.files]
        object.__setattr__(self, "files", tuple(files))
        folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
        inside = [path for path in paths if path in folders or path == LOCK]
        require(not inside, "files", f"no path that is a folder of another, or {LOCK}", inside)


def manifest_names() -> list[str]:
    """The data sets that come with a manifest."""
    entries = resources.files("wtal.data.fetch").joinpath("manifests").iterdir()
    return sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml"))


def read_manifest(dataset: str) -> Manifest:
    """The manifest of a data set by name, or of a path that ends in .yaml. Raises InputError where there is none."""
    path = Path(dataset)
    if path.suffix not in (".yaml", ".yml"):
        if dataset not in manifest_names():
            expected = f"a data set with a manifest ({nearest(dataset, manifest_names())}) or a .yaml file"
            raise InputError(file="DATASET", expected=expected, got=repr(dataset))
        with resources.as_file(resources.files("wtal.data.fetch").joinpath("manifests", f"{dataset}.yaml")) as packaged:
            return from_mapping(Manifest, read_yaml(packaged), file=packaged.name)
    return from_mapping(Manifest, read_yaml(path), file=path)
