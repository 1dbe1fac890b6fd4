"""The page of `wtal compare --html`: anybody's detections side by side, from files alone, in one file."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from wtal import __version__
from wtal.base.errors import InputError, SettingError
from wtal.base.files import write_text
from wtal.base.members import kinds, member, member_title
from wtal.base.records import Instances
from wtal.evaluate.score.evaluation import Evaluation, evaluate_detections, evaluate_matches
from wtal.evaluate.score.options import EvaluationOptions
from wtal.evaluate.score.uncertainty import Bootstrap
from wtal.evaluate.text.comparison import comparison_caption, comparison_rows, mean_over_seeds, verdict_text
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, number
from wtal.report.explorer.explorer import diagnosis_of, explorer_value
from wtal.report.explorer.systems import System
from wtal.report.page.document import rendered
from wtal.report.page.faults import bucket_table, error_rows, video_table
from wtal.report.page.forest import forest_of
from wtal.report.tables.contrasts import Contrast, ContrastGroup

PLAYED = (".mp4", ".webm", ".m4v", ".mkv", ".mov", ".avi")  # endings of files that a browser may play
MOST_DIAGNOSED = 4  # systems of which the page tells what errors cost
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Systems scored on the same videos, and how the page names what they were scored on."""

    systems: tuple[System, ...]
    truth: Instances
    seconds: Mapping[str, float] | None
    bootstrap: Bootstrap
    dataset: str  # whose published buckets hold, or nothing
    sources: Mapping[str, Sequence[str]]  # the files of each system

    @property
    def options(self) -> EvaluationOptions:
        """What all were scored under."""
        return self.systems[0].matches[0].options

    def scores(self) -> dict[str, list[Evaluation]]:
        """The score of each system and seed."""
        return {system.name: [evaluate_matches(each) for each in system.matches] for system in self.systems}


def write_comparison(found: Comparison, out: Path, digits: int = 2, videos: Path | None = None) -> None:
    """Write the page. videos: a folder with the files of the videos, which the page plays from where they lie.

    The same files give the same bytes. Raises InputError before anything is written where that folder is missing.
    """
    files = {} if videos is None else played_files(videos, found.truth.videos, out)
    shown = explorer_value(found.systems, found.truth, found.seconds)
    for video in shown["videos"]:
        if video["name"] in files:
            video["file"] = files[video["name"]]
    seconds = found.seconds if _knows_lengths(found) else None
    level = found.bootstrap.level
    diagnosis = diagnosis_of(found.systems[:MOST_DIAGNOSED], found.truth, seconds, found.dataset, level)
    scores, average = found.scores(), found.bootstrap.average_name
    said = comparison_caption(scores, found.bootstrap)
    values = {
        "title": " against ".join([*(system.title for system in found.systems[1:]), found.systems[0].title]),
        "average": average,
        "forest": forest_of(_groups(found, digits)),
        "caption": f"{said[:1].upper()}{said[1:]}. Files: {_files(found)}.",
        "shown": shown,
        "diagnosis": diagnosis,
        "error_rows": error_rows(diagnosis),
        "version": __version__,
        "tables": {
            "systems": _systems_table(scores, found.bootstrap, digits),
            "protocols": protocol_table(found),
            "videos": video_table(shown),
            "buckets": bucket_table(diagnosis, [f"Protocol {found.options.protocol_title}."]),
        },
    }
    write_text(out, rendered("compare.jinja", values, shown, has_player=bool(files)))


def _knows_lengths(found: Comparison) -> bool:
    known = found.seconds or {}
    return all(known.get(found.truth.videos[number], 0) > 0 for number in set(found.truth.video.tolist()))


def _files(found: Comparison) -> str:
    return "; ".join(f"{name}: {', '.join(files)}" for name, files in found.sources.items())


def played_files(folder: Path, names: Sequence[str], out: Path) -> dict[str, str]:
    """The address of each video's file, relative to the page; videos without a file have none."""
    if not folder.is_dir():
        raise InputError(file=folder, expected="a folder with files of videos", got="no such folder")
    known: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PLAYED:
            known.setdefault(path.stem, path)
    beside = out.resolve().parent
    files = {name: quote(os.path.relpath(known[name].resolve(), beside)) for name in names if name in known}
    logger.info(f"{folder}: {len(files)} of {len(names)} videos have a file there")
    return files


def _groups(found: Comparison, digits: int) -> list[ContrastGroup]:
    """Each system against the first: the average, then each threshold."""
    groups, first = [], found.systems[0]
    scores, boot = found.scores(), found.bootstrap
    for system in found.systems[1:]:
        pair = (system.name, first.name)
        each = [boot.differences[pair], *boot.differences_per_threshold[pair]]
        words = [f"average, mAP@{boot.average_name}", *(f"at tIoU {value:g}" for value in found.options.tiou)]
        points = [_points(scores, pair, boot.average_name, position) for position in range(len(each))]
        title = f"{system.title}, against {first.title}"
        rows = [
            Contrast(title, context, 2 - min(position, 1), interval, own)
            for position, (context, interval, own) in enumerate(zip(words, each, points))
        ]
        said = verdict_text(boot.differences[pair], digits)
        groups.append(ContrastGroup(title, tuple(rows), f"{said[:1].upper()}{said[1:]} points."))
    return groups


def _points(
    scores: Mapping[str, Sequence[Evaluation]], pair: tuple[str, str], average: str, position: int
) -> tuple[float, ...]:
    """The difference of each pair of seeds; none where the systems have different numbers of them."""
    one, other = (scores[name] for name in pair)
    if len(one) != len(other):
        return ()
    if position == 0:
        return tuple(a.averages[average] - b.averages[average] for a, b in zip(one, other))
    return tuple(float(a.mean[position - 1] - b.mean[position - 1]) for a, b in zip(one, other))


def _systems_table(scores: Mapping[str, Sequence[Evaluation]], bootstrap: Bootstrap, digits: int) -> Table:
    head, *rows = comparison_rows(scores, bootstrap, digits)
    columns = (Column("System", is_number=False), *(Column(name) for name in head[1:]))
    cells = tuple((Cell(name), *map(_cell, rest)) for name, *rest in rows)
    title = f"mAP in percent by tIoU, mean {bootstrap.average_name}"
    return Table("systems", title, columns, (Block("", cells),), ())


def _cell(text: str) -> Cell:
    try:
        return Cell(text, float(text))
    except ValueError:
        return Cell(text or "–")


def protocol_table(found: Comparison) -> Table | None:
    """Every system under every installed protocol, the mean over seeds; None where only one can be applied."""
    options, rows = found.options, []
    for kind in kinds("wtal.protocols"):
        try:
            how = replace(options, protocol=member("wtal.protocols", kind, file="--protocol")())
        except (SettingError, InputError):
            continue  # it compares snippets, and their rate is not known
        for system in found.systems:
            each = [evaluate_detections(one, found.truth, how, source=system.name) for one in system.detections]
            average = sum(score.headline for score in each) / len(each)
            mean = mean_over_seeds(each).tolist()
            rows.append((Cell(member_title(how.protocol)), Cell(system.title), *map(number, (*mean, average))))
    if len(rows) <= len(found.systems):
        return None
    thresholds = (Column(f"{value:g}") for value in options.tiou)
    columns = (
        Column("Protocol", is_number=False),
        Column("System", is_number=False),
        *thresholds,
        Column(options.average_names[-1]),
    )
    note = "The same files: what differs is how bounds are compared, how precision is averaged and what takes what."
    return Table("protocols", "mAP in percent by protocol", columns, (Block("", tuple(rows)),), (note,))
