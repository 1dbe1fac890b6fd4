"""The report page: one HTML file with its style, script, pictures and data inside, made from tables and plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from wtal.base.errors import InputError
from wtal.base.files import read_json, write_text
from wtal.evaluate.score.intervals import Interval, interval_over
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, bounds, difference, number, spread
from wtal.report.explorer.names import DIAGNOSIS, EXPLORER
from wtal.report.inputs.plan import Plan, page_settings, read_plan
from wtal.report.inputs.provenance import read_provenance
from wtal.report.page.curves import change_charts, class_rows, label_charts, training_charts
from wtal.report.page.document import rendered
from wtal.report.page.faults import bucket_table, error_rows, video_table
from wtal.report.page.forest import Forest, forest_of, only_first
from wtal.report.tables.ablation import Row, interval_of, read_ablation
from wtal.report.tables.contrasts import contrast_groups, read_contrasts
from wtal.report.tables.effects import effect_groups, read_effects
from wtal.report.tables.names import PROVENANCE
from wtal.report.tables.rounds import means_by_key, read_classes, read_rounds, read_training
from wtal.report.tables.tables import (
    notes,
    read_ablation_table,
    read_class_table,
    read_label_quality_table,
    read_main_table,
)

SECTIONS = {
    "summary": "What helps, by how much, how surely",
    "explorer": "Explorer: why a detection is wrong",
    "diagnosis": "Diagnosis: what errors cost",
    "rounds": "How it learns",
    "tables": "Tables",
    "cost": "What it cost",
    "provenance": "Can I trust it",
}


def write_page(report: Path, results: Path, out: Path) -> None:
    """Write the page of a suite from its tables, provenance and, where they are, the explorer's files in `results`.

    Nothing in it depends on the clock. Raises InputError before anything is written where a file is missing or broken.
    """
    plan = read_plan(report)
    facts = read_provenance(results / PROVENANCE, plan)
    shown = _of_explorer(results / EXPLORER, plan, ("videos", "systems", "classes", "training"))
    diagnosis = _of_explorer(results / DIAGNOSIS, plan, ("systems", "kinds"))
    values = _values(plan, results, facts, shown, diagnosis)
    write_text(out, rendered("suite.jinja", values, shown))


def _of_these_settings(path: Path, plan: Plan, command: str) -> dict[str, Any]:
    """A JSON file of the run. Raises InputError where it was made with other settings."""
    facts = read_json(path)
    if not isinstance(facts, dict) or facts.get("settings_digest") != plan.digest:
        got = str(facts.get("settings_digest", "nothing"))[:12] if isinstance(facts, dict) else type(facts).__name__
        made = "tables" if command == "tables" else "what is"
        expected = f"{made} made with these settings, digest {plan.digest[:12]} (run `wtal {command}` again)"
        raise InputError(file=path, key="settings_digest", expected=expected, got=got)
    return facts


def _of_explorer(path: Path, plan: Plan, keys: Sequence[str]) -> dict[str, Any] | None:
    """A file of `wtal diagnose-suite`; None where it was not run."""
    if not path.exists():
        return None
    found = _of_these_settings(path, plan, "diagnose-suite")
    lacking = [key for key in keys if not isinstance(found.get(key), list)]
    if lacking:
        raise InputError(file=path, key=lacking[0], expected="a list", got=type(found.get(lacking[0])).__name__)
    return found


def _values(
    plan: Plan,
    results: Path,
    facts: Mapping[str, Any],
    shown: Mapping[str, Any] | None,
    diagnosis: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What the page shows, by the names that its template has for it."""
    rows = [row for row in read_ablation(results / "ablation.csv").to_dict("records") if row["control"] == "no"]
    rounds = read_rounds(results / "rounds.csv")
    classes = read_classes(results / "per_class.csv", plan.headline)
    steps = facts.get("steps") or []
    headline = f"mAP@{plan.headline}"
    return {
        "plan": plan,
        "words": page_settings(plan),
        "sections": SECTIONS,
        "notes": notes(plan),
        "notes_with_intervals": notes(plan, with_intervals=True),
        "cards": _cards(plan, {row["variant"]: row for row in rows}),
        "n_variants": len(rows),
        **_forests(plan, results, headline),
        "shown": shown,
        "diagnosis": diagnosis,
        "error_rows": error_rows(diagnosis) if diagnosis else [],
        "changes": change_charts(plan, rounds),
        "labels": label_charts(plan, rounds),
        "training": training_charts(plan, read_training(results / "training.csv")),
        "classes": class_rows(plan, means_by_key(classes, "class", f"AP@{plan.headline}")),
        "tables": _tables(plan, results, facts, shown, diagnosis),
        "default_main": ["Method", headline, "mAP@0.5", "Points from published", "n"],
        "default_ablation": ["Variant", headline, "Compared with", "Difference", "@0.5"],
        "facts": facts,
        "steps": _sum_of_steps(steps),
        "settings": yaml.safe_dump(dict(plan.settings), sort_keys=False, allow_unicode=True, width=100),
    }


def _forests(plan: Plan, results: Path, headline: str) -> dict[str, Forest | None]:
    """What each ingredient adds; of a suite of several base networks the means over them, and apart each of them."""
    if len(plan.bases) > 1 and plan.file.matrix and plan.file.matrix.effects:
        on_each = forest_of(effect_groups(read_effects(results / "effects.csv"), headline))
        return {"forest": only_first(on_each), "forest_of_bases": on_each}
    groups = contrast_groups(read_contrasts(results / "contrasts.csv"), headline)
    return {"forest": forest_of(groups), "forest_of_bases": None}


def _tables(
    plan: Plan,
    results: Path,
    facts: Mapping[str, Any],
    shown: Mapping[str, Any] | None,
    diagnosis: Mapping[str, Any] | None,
) -> dict[str, Table]:
    found = {
        "main": read_main_table(plan, results),
        "ablation": read_ablation_table(plan, results),
        "labels": read_label_quality_table(plan, results),
        "classes": read_class_table(plan, results),
        "versions": _pairs("versions", "Versions", facts.get("versions"), plan),
        "data": _pairs("data", "Data", _flat_facts(facts.get("data")), plan),
        "machine": _pairs("machine", "Machine that made the tables", facts.get("machine"), plan),
        "steps": _steps(plan, facts.get("steps") or []),
    }
    if shown:
        found["videos"] = video_table(shown)
    if diagnosis:
        found["buckets"] = bucket_table(diagnosis, notes(plan))
    return found


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
        name = f"Whole method less {named[plan.base]['title']}"
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


def _flat_facts(data: object) -> dict[str, Any]:
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
