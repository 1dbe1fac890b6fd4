"""The report page: one HTML file with its style, script and pictures inside, made from tables, figures and plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from wtal.base.errors import InputError
from wtal.base.files import read_bytes, read_json, write_text
from wtal.evaluate.score.intervals import Interval, interval_over
from wtal.report.inputs.plan import PageSettings, Plan, page_settings, read_plan
from wtal.report.page import markup
from wtal.report.tables.ablation import Row, interval_of, read_ablation
from wtal.report.tables.tables import (
    notes,
    read_ablation_table,
    read_class_table,
    read_label_quality_table,
    read_main_table,
)
from wtal.report.tables.typeset import Block, Cell, Column, Table, bounds, difference, number, spread

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
    facts = read_json(results / "provenance.json")
    if not isinstance(facts, dict) or facts.get("settings_digest") != plan.digest:
        got = str(facts.get("settings_digest", "nothing"))[:12] if isinstance(facts, dict) else type(facts).__name__
        expected = f"tables made with these settings, digest {plan.digest[:12]} (run `wtal tables` again)"
        raise InputError(file=results / "provenance.json", key="settings_digest", expected=expected, got=got)
    words = page_settings(plan)
    body = _header(words) + f"<main>{_main(plan, words, results, facts)}</main>\n" + _footer(plan)
    style, script = (resources.files("wtal.report.page").joinpath(name).read_text() for name in ("page.css", "page.js"))
    write_text(out, markup.document(words.title, body, style, script))


def _header(words: PageSettings) -> str:
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title in SECTIONS.items())
    title = markup.escape(words.title)
    return f'<header><h1>{title}</h1><nav aria-label="Sections"><ul>{links}</ul></nav></header>\n'


def _footer(plan: Plan) -> str:
    text = (
        f"Suite {plan.file.suite}, settings {plan.digest}. The tables lie beside this page as CSV, Markdown and LaTeX."
    )
    return f"<footer><p>{markup.escape(text)}</p></footer>\n"


def _main(plan: Plan, words: PageSettings, results: Path, facts: Mapping[str, Any]) -> str:
    rows = read_ablation(results / "ablation.csv").to_dict("records")
    below = notes(plan)
    parts = {
        "summary": _caution(words) + _summary(plan, rows),
        "main": markup.table_html(read_main_table(plan, results)),
        "ablation": _picture(results, "ablation", "Every variant with its interval", notes(plan, with_intervals=True))
        + markup.table_html(read_ablation_table(plan, results)),
        "labels": _labels_text() + markup.table_html(read_label_quality_table(plan, results)),
        "rounds": _picture(results, "rounds", "Detections and pseudo labels by round", [*below, _ROUNDS_NOTE]),
        "classes": _picture(results, "per_class", "Average precision of each class", below)
        + markup.table_html(read_class_table(plan, results)),
        "timelines": _timelines(plan, results),
        "training": _picture(results, "training", f"Training of {plan.whole_method}", below),
        "provenance": _provenance(plan, facts),
    }
    return "".join(markup.section(name, title, parts[name]) for name, title in SECTIONS.items())


_ROUNDS_NOTE = "Round 0 is the base network. Broad grey lines: variants of other groups, to compare with."
_TIMELINE_NOTE = (
    "One lane for each class, with its own colour, hatch and name. A segment or detection is as high as its score. "
    "Clips are chosen by rule: of each equal part of the sorted list the one with most classes, then most instances."
)


def _labels_text() -> str:
    text = (
        "Pseudo labels of the training clips against their hidden ground truth, which training never reads. "
        "Violation: the largest residual of a constraint where the linear programme had no solution."
    )
    return f"<p>{text}</p>"


def _caution(words: PageSettings) -> str:
    """What a reader must know before the numbers."""
    note = markup.escape(words.note)
    return f'<div class="caution" role="note"><strong>Caution</strong>{note}</div>' if note else ""


def _summary(plan: Plan, rows: Sequence[Row]) -> str:
    named = {row["variant"]: row for row in rows if row["control"] == "no"}
    missing = [name for name in (plan.base, plan.whole_method) if name not in named]
    if missing:
        raise InputError(file="ablation.csv", key="variant", expected=f"a row of {missing[0]}", got="none")
    best = max(named, key=lambda name: named[name]["mean"])
    roles = {plan.base: "Base", best: "Highest of the suite, picked on the test set", plan.whole_method: "Whole method"}
    distinct = [named[name] for name in dict.fromkeys((plan.whole_method, best, plan.base))]
    cards = [(f"{roles[row['variant']]}: {row['title']}", _figure(row), _range(row)) for row in distinct]
    away = interval_of(named[plan.whole_method], "base_difference")
    if away.estimate == away.estimate:
        cards.append((f"Whole method less {plan.base}", difference(away).text, _verdict(away)))
    what = f"{len(named)} variants, {len(plan.file.seeds)} seeds each; figures are mAP@{plan.headline} in percent."
    return markup.facts(cards) + f"<p>{markup.escape(what)}</p>" + markup.paragraphs(notes(plan))


def _figure(row: Row) -> str:
    return spread(row["mean"], row["sd"]).text


def _range(row: Row) -> str:
    average = interval_of(row, "mean")
    own = bounds(average.low, average.high).text
    return f"n = {average.n_seeds[0]} seeds, interval over {interval_over(average.n_seeds)} {own}"


_PLACES = {"better": "lies above 0", "worse": "lies below 0", "not separated": "holds 0"}


def _verdict(away: Interval) -> str:
    over = f"the interval of the paired difference, over {interval_over(away.n_seeds)}, {_PLACES[away.verdict]}"
    return f"{away.verdict}: {over}; over videos alone it is {bounds(away.videos_low, away.videos_high).text}"


def _picture(results: Path, name: str, title: str, below: Sequence[str]) -> str:
    svg = read_bytes(results / "figures" / f"{name}.svg")
    if b"<svg" not in svg[:1000]:
        raise InputError(file=results / "figures" / f"{name}.svg", expected="an SVG picture", got=repr(svg[:20]))
    return markup.picture(svg, title, f"{title}; the numbers are in the tables of this page", below)


def _timelines(plan: Plan, results: Path) -> str:
    path = results / "timelines.json"
    clips = read_json(path)
    clips = clips.get("clips") if isinstance(clips, dict) else None
    if not isinstance(clips, list) or not all(isinstance(clip, dict) and "video" in clip for clip in clips):
        raise InputError(
            file=path, key="clips", expected="a list of clips with their `video`", got=type(clips).__name__
        )
    below = [*notes(plan), _TIMELINE_NOTE]
    parts = []
    for index, clip in enumerate(clips, start=1):
        title = f"{'Training' if clip.get('subset') == 'train' else 'Test'} clip {clip['video']}"
        parts.append(_picture(results, f"timeline_{index}", title, below if index == len(clips) else []))
    return "".join(parts)


def _provenance(plan: Plan, facts: Mapping[str, Any]) -> str:
    settings = yaml.safe_dump(dict(plan.settings), sort_keys=False, allow_unicode=True, width=100)
    parts = [
        markup.paragraphs([f"Settings {plan.digest}", f"Code {facts.get('code_sha256', '–')}"]),
        markup.table_html(_pairs("versions", "Versions", facts.get("versions"), plan)),
        markup.table_html(_pairs("data", "Data", _flat(facts.get("data")), plan)),
        markup.table_html(_pairs("machine", "Machine that made the tables", facts.get("machine"), plan)),
        _steps(plan, facts.get("steps") or []),
        markup.folded("Settings", markup.code(settings)),
    ]
    return "".join(parts)


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


def _steps(plan: Plan, steps: Sequence[Mapping[str, Any]]) -> str:
    if not steps:
        return markup.paragraphs(["No step of this run was timed."])
    columns = (Column("Step", is_number=False), Column("Seconds"), Column("Peak memory, MB"))
    rows = tuple(
        (Cell(str(step.get("step"))), number(step.get("seconds")), number(step.get("memory_mb"))) for step in steps
    )
    total = sum(step.get("seconds") or 0.0 for step in steps)
    largest = max(step.get("memory_mb") or 0.0 for step in steps)
    summary = f"{len(steps)} steps, {total:.0f} s in sum, at most {largest:.0f} MB"
    table = Table("steps", "Time and memory of each step", columns, (Block("", rows),), tuple(notes(plan)))
    return markup.folded(f"Time and memory: {summary}", markup.table_html(table))
