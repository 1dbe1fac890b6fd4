"""Names of videos as files and annotations have them: with or without the prefix `v_`, or a media file's ending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from wtal.base.errors import InputError

PREFIX = "v_"
MEDIA = (".mp4", ".avi", ".mkv", ".webm", ".mov", ".mpg", ".mpeg", ".m4v", ".flv", ".wmv")


def without_media(name: str) -> str:
    """A name without the ending of a media file, in any case of letters: `x.MP4` is `x`."""
    for ending in MEDIA:
        if len(name) > len(ending) and name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def plain_name(name: str) -> str:
    """A name without the prefix `v_` and without the ending of a media file."""
    return without_media(name).removeprefix(PREFIX)


def is_hidden(path: Path, below: Path) -> bool:
    """Whether a path, or a folder on the way to it from `below`, has a name that begins with a point."""
    return any(part.startswith(".") for part in path.relative_to(below).parts)


def match_names(wanted: Iterable[str], found: Iterable[str], file: str | Path) -> dict[str, str | None]:
    """For each wanted name the one found for it, or None: the same name, else one that differs in ending or prefix.

    Raises InputError, naming them, where two videos, or two files of features, are one name without their endings.
    """
    groups, others = _groups(wanted), _groups(found)
    matches: dict[str, str | None] = {}
    for plain, names in groups.items():
        matches |= _matched(plain, names, others.get(plain, ()), file)
    for plain, names in groups.items():
        toggled = plain.removeprefix(PREFIX) if plain.startswith(PREFIX) else PREFIX + plain
        left = [name for name in names if matches[name] is None]
        if left and toggled in others and toggled not in groups:
            matches |= _matched(plain, left, others[toggled], file)
    return matches


def display_names(names: Iterable[str]) -> dict[str, str]:
    """Each name without the ending of a media file, unless two would be the same then."""
    groups = _groups(names)
    return {name: plain if len(own) == 1 else name for plain, own in groups.items() for name in own}


def _groups(names: Iterable[str]) -> Mapping[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(without_media(name), []).append(name)
    return groups


def _matched(plain: str, wanted: Iterable[str], found: Iterable[str], file: str | Path) -> dict[str, str | None]:
    """Names that are one without their endings: the same name on both sides first, then the only ones left."""
    videos, files = list(wanted), list(found)
    matches: dict[str, str | None] = {name: name if name in files else None for name in videos}
    left = [name for name in files if name not in videos]
    if left and (len(videos) > 1 or len(files) > 1):
        what, names = ("features", files) if len(files) > 1 else ("videos", videos)
        got = f"{' and '.join(sorted(names))}, which are one without the ending of a media file"
        raise InputError(file=file, key=plain, expected=f"{what} of one name for each video", got=got)
    if left:
        matches[videos[0]] = left[0]
    return matches
