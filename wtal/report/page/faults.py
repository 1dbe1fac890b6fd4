"""What is wrong, as tables: what each kind of error costs, which instances are missed, and every video in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wtal.evaluate.diagnose.characteristics import TITLES
from wtal.evaluate.score.intervals import Interval
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, difference, number

NEVER = float("nan")


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One kind of error: its number, and for each system how many there are and what they cost."""

    kind: str
    number: int
    cells: tuple[tuple[str, str, bool], ...]  # predictions with their share, points, whether these leave out 0


def error_rows(diagnosis: Mapping[str, Any]) -> list[ErrorRow]:
    """A row for each kind, true positives first, which cost nothing."""
    totals = [sum(row["count"] for row in system["errors"]) or 1.0 for system in diagnosis["systems"]]
    rows = []
    for position, kind in enumerate(diagnosis["kinds"]):
        cells = []
        for system, total in zip(diagnosis["systems"], totals):
            found = system["errors"][position]
            shown = f"{found['count']:,.0f} ({100 * found['count'] / total:.0f} %)"
            if "gain" not in found:
                cells.append((shown, "–", False))
                continue
            estimate, low, high = (NEVER if value is None else value for value in found["gain"])
            cell = difference(Interval(estimate, (1,), low, high, NEVER, NEVER))
            cells.append((shown, cell.text, cell.strong))
        rows.append(ErrorRow(kind, position, tuple(cells)))
    return rows


def bucket_table(diagnosis: Mapping[str, Any], notes: Sequence[str]) -> Table:
    """Instances by length, coverage and number in the video: how many, mAP_N and the missed share of each system."""
    systems = diagnosis["systems"]
    columns = [Column("Instances", is_number=False), Column("Range"), Column("Count", hint="instances in the bucket")]
    columns += [Column(f"mAP_N, {system['title']}", hint="percent, mean over tIoU thresholds") for system in systems]
    hint = "percent of the bucket's instances, mean over tIoU thresholds"
    columns += [Column(f"Missed, {system['title']}", hint=hint) for system in systems]
    blocks = []
    for name, title in TITLES.items():
        groups = [[row for row in system["buckets"] if row["characteristic"] == name] for system in systems]
        rows = []
        for same in zip(*groups):
            first = same[0]
            head = (Cell(first["bucket"]), Cell(first["range"]), Cell(f"{first['instances']}", first["instances"]))
            rows.append((*head, *(number(row["mAP_N"]) for row in same), *(number(row["missed"]) for row in same)))
        if rows:
            blocks.append(Block(f"By {title}", tuple(rows)))
    return Table(
        "buckets", "Which instances are hard, and which are missed", tuple(columns), tuple(blocks), tuple(notes)
    )


def video_table(shown: Mapping[str, Any]) -> Table:
    """Every shown video: instances, and of each system how many it finds and how many detections are wrong."""
    threshold, least = shown["first_tiou"], shown["first_score"]
    titles = [system["title"] for system in shown["systems"]]
    columns = [Column("Video", is_number=False), Column("Instances")]
    columns += [Column(f"Found, {title}") for title in titles] + [
        Column(f"False positives, {title}") for title in titles
    ]
    rows = []
    for video in shown["videos"]:
        found = [sum(row[3][number] >> threshold & 1 for row in video["truth"]) for number in range(len(titles))]
        wrong = [
            sum(row[3] >= least and row[4][threshold] != "0" for row in rows_of) for rows_of in video["detections"]
        ]
        counts = (len(video["truth"]), *found, *wrong)
        rows.append((Cell(video["name"]), *(Cell(str(count), count) for count in counts)))
    note = f"At tIoU {shown['tiou'][threshold]:g}; false positives among detections that score {least:g} or more."
    return Table("videos", "Every video that is shown", tuple(columns), (Block("", tuple(rows)),), (note,))
