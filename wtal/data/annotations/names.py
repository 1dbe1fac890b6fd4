"""Names of videos as files and annotations have them: with or without the prefix `v_`, or a media file's ending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


# What names may differ in and yet mean the same video: the same name is taken first, then each of these in turn.
ROUGHER: tuple[Callable[[str], str], ...] = (without_media, plain_name)


def is_hidden(path: Path, below: Path) -> bool:
    """Whether a path, or a folder on the way to it from `below`, has a name that begins with a point."""
    return any(part.startswith(".") for part in path.relative_to(below).parts)


class VideoNames:
    """Finds videos by their names, which may have or lack the ending of a media file and the prefix `v_`."""

    def __init__(self, names: Iterable[str]) -> None:
        self.number_of = {name: number for number, name in enumerate(names)}
        self.alike = [_groups(self.number_of, rougher) for rougher in ROUGHER]

    def find(self, name: str, source: str) -> int | None:
        """The number of a video: of that name, else of the only one that differs in ending or prefix alone; or None.

        Raises InputError, naming them, where several do. source: names the file that holds the name.
        """
        if name in self.number_of:
            return self.number_of[name]
        for rougher, groups in zip(ROUGHER, self.alike):
            found = groups.get(rougher(name), ())
            if len(found) > 1:
                got = f"{name!r}, which may be {' or '.join(map(repr, found))}"
                raise InputError(file=source, key="video", expected="the name of one video", got=got)
            if found:
                return self.number_of[found[0]]
        return None


def match_names(wanted: Iterable[str], found: Iterable[str], file: str | Path) -> dict[str, str | None]:
    """For each wanted name the one found for it, or None: the same name, else one that differs in ending or prefix.

    No name is found for two. Raises InputError, naming them, where two videos, or two files of features, are one name
    without their endings.
    """
    videos, files = VideoNames(wanted), VideoNames(found)
    matches = {name: name if name in files.number_of else None for name in videos.number_of}
    for rougher, groups, others in zip(ROUGHER, videos.alike, files.alike):
        taken = set(matches.values())
        for plain, names in groups.items():
            free = [name for name in others.get(plain, ()) if name not in taken]
            is_left = any(matches[name] is None for name in names)
            if free and (is_left or rougher is without_media):  # a file beside the one of that very name is odd too
                _check_one_each(names, others[plain], plain, file)
                matches[names[0]] = free[0]
    return matches


def _check_one_each(videos: Sequence[str], files: Sequence[str], plain: str, file: str | Path) -> None:
    if len(videos) > 1 or len(files) > 1:
        what, names = ("features", files) if len(files) > 1 else ("videos", videos)
        got = f"{' and '.join(sorted(names))}, which differ in media ending or prefix alone"
        raise InputError(file=file, key=plain, expected=f"{what} of one name for each video", got=got)


def display_names(names: Iterable[str]) -> dict[str, str]:
    """Each name without the ending of a media file, unless two would be the same then."""
    groups = _groups(names, without_media)
    return {name: plain if len(own) == 1 else name for plain, own in groups.items() for name in own}


def _groups(names: Iterable[str], rougher: Callable[[str], str]) -> dict[str, list[str]]:
    """The names that become the same."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(rougher(name), []).append(name)
    return groups
