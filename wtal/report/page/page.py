"""The report page: one HTML file with its style, script and pictures inside, made from tables, figures and plan."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from wtal.base.errors import InputError
from wtal.base.files import check_digest_beside, read_bytes, read_json, write_text
from wtal.evaluate.score.intervals import Interval, interval_over
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, bounds, difference, number, spread
from wtal.report.figures.names import TIMELINES, timeline_name
from wtal.report.inputs.plan import Plan, page_settings, read_plan
from wtal.report.inputs.provenance import read_provenance
from wtal.report.tables.ablation import Row, interval_of, read_ablation
from wtal.report.tables.names import PROVENANCE
from wtal.report.tables.tables import (
    notes,
    read_ablation_table,
    read_class_table,
    read_label_quality_table,
    read_main_table,
)
from wtal.suite.paths import SuitePaths

TIMELINE_NOTE = (
    "One lane for each class, with its own colour, hatch and name. A segment or detection is as high as its score. "
    "Clips are chosen by rule: of each equal part of the sorted list the one with most classes, then most instances."
)
SECTIONS = {
    "summary": "Summary",
    "main": "Main table",
    "ablation": "Ablation",
    "labels": "Label quality by round",
    "rounds": "Curves by round",
    "classes": "By class",
    "timelines": "Timelines",
    "training": "Training curves",
    "provenance": "Provenance",
}


def write_page(report: Path, results: Path, out: Path) -> None:
    """Write the page of a suite from the tables, figures and provenance.json in `results`.

    Nothing in it depends on the clock. Raises InputError before anything is written where a file is missing or broken.
    """
    plan = read_plan(report)
    facts = read_provenance(results / PROVENANCE, plan)
    style, script, page = (read_asset(name) for name in ("page.css", "page.js", "page.html.jinja"))
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    shown = {**_values(plan, results, facts), "style": style, "script": script, "policy": _policy(style, script)}
    write_text(out, environment.from_string(page).render(shown))


def read_asset(name: str) -> str:
    """The text of a file that lies beside this one."""
    return resources.files("wtal.report.page").joinpath(name).read_text()


def _policy(style: str, script: str) -> str:
    """Lets in this one style, this one script and embedded pictures, and nothing else."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    style_hash, script_hash = (f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; img-src data:; style-src {style_hash}; script-src {script_hash}; "
        "base-uri 'none'; form-action 'none'"
    )


def _values(plan: Plan, results: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows, by the names that its template has for it."""
    rows = [row for row in read_ablation(results / "ablation.csv").to_dict("records") if row["control"] == "no"]
    steps = facts.get("steps") or []
    return {
        "plan": plan,
        "words": page_settings(plan),
        "sections": SECTIONS,
        "notes": notes(plan),
        "notes_with_intervals": notes(plan, with_intervals=True),
        "cards": _cards(plan, {row["variant"]: row for row in rows}),
        "n_variants": len(rows),
        "tables": {
            "main": read_main_table(plan, results),
            "ablation": read_ablation_table(plan, results),
            "labels": read_label_quality_table(plan, results),
            "classes": read_class_table(plan, results),
            "versions": _pairs("versions", "Versions", facts.get("versions"), plan),
            "data": _pairs("data", "Data", _flat(facts.get("data")), plan),
            "machine": _pairs("machine", "Machine that made the tables", facts.get("machine"), plan),
            "steps": _steps(plan, steps),
        },
        "pictures": {
            "ablation": _picture(results, "ablation", "Every variant with its interval"),
            "rounds": _picture(results, "rounds", "Detections and pseudo labels by round"),
            "per_class": _picture(results, "per_class", "Average precision of each class"),
            "training": _picture(results, "training", f"Training of {plan.whole_method}"),
        },
        "timelines": _timelines(results),
        "timeline_note": TIMELINE_NOTE,
        "facts": facts,
        "steps": _sum_of_steps(steps),
        "settings": yaml.safe_dump(dict(plan.settings), sort_keys=False, allow_unicode=True, width=100),
    }


def _cards(plan: Plan, named: Mapping[str, Row]) -> list[dict[str, str]]:
    """What the summary says of the whole method, the highest variant and the base."""
    missing = [name for name in (plan.base, plan.whole_method) if name not in named]
    if missing:
        raise InputError(file="ablation.csv", key="variant", expected=f"a row of {missing[0]}", got="none")
    best = max(named, key=lambda name: named[name]["mean"])
    roles = {plan.base: "Base", best: "Highest of the suite, picked on the test set", plan.whole_method: "Whole method"}
    cards = []
    for name in dict.fromkeys((plan.whole_method, best, plan.base)):
        row = named[name]
        value = spread(row["mean"], row["sd"]).text
        cards.append({"name": f"{roles[name]}: {row['title']}", "value": value, "remark": _range(row)})
    away = interval_of(named[plan.whole_method], "base_difference")
    if away.estimate == away.estimate:
        name = f"Whole method less {plan.base}"
        cards.append({"name": name, "value": difference(away).text, "remark": _verdict(away)})
    return cards


def _range(row: Row) -> str:
    average = interval_of(row, "mean")
    bounds_of_mean = bounds(average.low, average.high).text
    return f"n = {average.n_seeds[0]} seeds, interval over {interval_over(average.n_seeds)} {bounds_of_mean}"


_PLACES = {"better": "lies above 0", "worse": "lies below 0", "not separated": "holds 0"}


def _verdict(away: Interval) -> str:
    over = f"the interval of the paired difference, over {interval_over(away.n_seeds)}, {_PLACES[away.verdict]}"
    return f"{away.verdict}: {over}; over videos alone it is {bounds(away.videos_low, away.videos_high).text}"


def _picture(results: Path, name: str, title: str) -> dict[str, str]:
    path = SuitePaths(results).figure(name, "svg")
    svg = read_bytes(path, "text")
    if b"<svg" not in svg[:1000] or not svg.rstrip().endswith(b"</svg>"):
        raise InputError(file=path, expected="an SVG picture, whole", got=f"{svg[:20]!r} to {svg[-20:]!r}")
    check_digest_beside(path)
    return {"title": title, "source": f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"}


def _timelines(results: Path) -> list[dict[str, str]]:
    path = results / TIMELINES
    clips = read_json(path)
    clips = clips.get("clips") if isinstance(clips, dict) else None
    if not isinstance(clips, list) or not all(isinstance(clip, dict) and "video" in clip for clip in clips):
        raise InputError(
            file=path, key="clips", expected="a list of clips with their `video`", got=type(clips).__name__
        )
    titles = (f"{'Training' if clip.get('subset') == 'train' else 'Test'} clip {clip['video']}" for clip in clips)
    return [_picture(results, timeline_name(index), title) for index, title in enumerate(titles, start=1)]


def _flat(data: object) -> dict[str, Any]:
    values = dict(data) if isinstance(data, Mapping) else {}
    files = values.pop("files", {})
    return {**values, **{f"sha256 of {name}": digest for name, digest in dict(files).items()}}


def _pairs(name: str, title: str, values: object, plan: Plan) -> Table:
    pairs = values if isinstance(values, Mapping) else {}
    rows = tuple(
        (Cell(str(key).replace("_", " ")), Cell("–" if value is None else str(value))) for key, value in pairs.items()
    )
    columns = (Column("What", is_number=False), Column("Value", is_number=False))
    return Table(name, title, columns, (Block("", rows),), tuple(notes(plan)))


def _steps(plan: Plan, steps: Sequence[Mapping[str, Any]]) -> Table:
    columns = (Column("Step", is_number=False), Column("Seconds"), Column("Peak memory, MB"))
    rows = tuple(
        (Cell(str(step.get("step"))), number(step.get("seconds")), number(step.get("memory_mb"))) for step in steps
    )
    return Table("steps", "Time and memory of each step", columns, (Block("", rows),), tuple(notes(plan)))


def _sum_of_steps(steps: Sequence[Mapping[str, Any]]) -> str:
    """The steps in a few words; none where nothing was timed."""
    total = sum(step.get("seconds") or 0.0 for step in steps)
    largest = max((step.get("memory_mb") or 0.0 for step in steps), default=0.0)
    return f"{len(steps)} steps, {total:.0f} s in sum, at most {largest:.0f} MB" if steps else ""
