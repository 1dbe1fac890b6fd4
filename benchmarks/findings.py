"""The figures and tables of docs/findings.md, taken from committed tables alone.

    python benchmarks/findings.py --write docs/findings.md      # what the page's marks name is filled in anew

A mark stands before each figure, `<!-- effect hapt gaussian all -->+0.7 [0.5, 1.0]`, and around each table,
`<!-- table effects hapt -->` to `<!-- end -->`. A test holds the page to what this script makes of it.
"""

from __future__ import annotations

import argparse
import re
from functools import cache
from pathlib import Path

import pandas as pd

from wtal.base.errors import InputError
from wtal.base.files import read_text, write_text
from wtal.evaluate.text.typeset import bounds, number
from wtal.report.inputs.frames import read_frame
from wtal.report.tables.ablation import read_ablation
from wtal.report.tables.effects import ALL, SLOPE, effect_cell, read_effects, read_ranks

CEILING = ("suite", "base", "seed", "average mAP")
ATTENTION = ("variant", "seed", "attention_finds_actions", "average_mAP")
BLIND = 0.5  # the share of pairs in order where all values are the same
RESULTS = Path(__file__).resolve().parents[1] / "results"
# A mark, and after it the figure with its interval, or ? where it is to be filled in.
FIGURE = re.compile(r"(<!-- (\w+ [\w -]+) -->)(?:\?|[+−]?\d+\.\d+(?: \[[+−]?[\d.]+, [+−]?[\d.]+\])?)")
TABLE = re.compile(r"(<!-- table (\w+) ?([\w -]*) -->\n).*?<!-- end -->", re.DOTALL)


def filled(page: str) -> str:
    """The page with every figure and table that a mark names, as the committed tables have it. Raises InputError."""
    page = TABLE.sub(lambda found: f"{found[1]}{table_of(found[2], found[3].split())}\n<!-- end -->", page)
    return FIGURE.sub(lambda found: found[1] + figure_of(found[2]), page)


def figure_of(words: str) -> str:
    """A figure with its interval: `effect SUITE EFFECT BASE`, `mean SUITE VARIANT` or `rank SUITE VARIANT`."""
    kind, suite, *names = words.split()
    if kind == "effect":
        row = _row(_effects(suite), effect=names[0], base=names[1])
        return effect_cell(row).text
    if kind == "mean":
        row = _row(_ablation(suite), variant=names[0])
        return f"{number(row['mean']).text} {bounds(row['low'], row['high']).text}".removesuffix(" –")
    if kind == "rank":
        row = _row(_ranks(suite), variant=names[0])
        return f"{number(row['rank'], 2).text} {bounds(row['low'], row['high'], 2).text}"
    raise InputError(file="the page", key=words, expected="effect, mean or rank", got=kind)


def _row(frame: pd.DataFrame, **wanted: str) -> dict[str, float]:
    found = frame
    for column, value in wanted.items():
        found = found[found[column] == value]
    if len(found) != 1:
        raise InputError(file="the tables", key=str(wanted), expected="one row", got=len(found))
    return dict(found.iloc[0])


@cache
def _effects(suite: str) -> pd.DataFrame:
    return read_effects(RESULTS / f"matrix-{suite}" / "effects.csv")


@cache
def _ablation(suite: str) -> pd.DataFrame:
    return read_ablation(RESULTS / f"matrix-{suite}" / "ablation.csv")


@cache
def _ranks(suite: str) -> pd.DataFrame:
    return read_ranks(RESULTS / f"matrix-{suite}" / "ranks.csv")


def table_of(name: str, suites: list[str]) -> str:
    """A table of the page: `effects SUITE`, `bases SUITE ...`, `ranks SUITE` or `attention SUITE`."""
    if name in ("effects", "ranks"):
        text = read_text(RESULTS / f"matrix-{suites[0]}" / f"{name}.md")
        return "\n".join(text.splitlines()[2:]).rstrip()
    if name == "bases":
        return bases_table(suites)
    if name == "attention":
        return attention_table(suites[0])
    expected = "effects, ranks, bases or attention"
    raise InputError(file="the page", key=f"table {name}", expected=expected, got=name)


def bases_table(suites: list[str]) -> str:
    """How strong each base network is on each data set, and taught by the true class of every snippet."""
    heads = [f"{suite} | taught by the truth" for suite in suites]
    lines = [f"| base network, NMS | {' | '.join(heads)} |", "|---|" + "---:|---:|" * len(suites)]
    effects = _effects(suites[0])
    bases = effects[~effects["base"].isin([ALL, SLOPE])].drop_duplicates("base")
    for base, title in zip(bases["base"], bases["base_title"], strict=True):
        cells = [f"{figure_of(f'mean {suite} {base}_nms')} | {ceiling_of(suite, base)}" for suite in suites]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    randoms = [number(_row(_ablation(suite), variant="random")["mean"]).text for suite in suites]
    lines.append(f"| random segments | {' | – | '.join(randoms)} | – |")
    return "\n".join(lines)


def ceiling_of(suite: str, base: str) -> str:
    """The mean over seeds of a base network that learnt the true classes; of `benchmarks/frame_labels.py`."""
    frame = read_frame(RESULTS / f"matrix-{suite}" / "ceiling.csv", CEILING, ("suite", "base"))
    return number(float(frame[frame["base"] == base]["average mAP"].mean())).text


def attention_table(suite: str) -> str:
    """Where attention falls, and what is detected, for each base network and seed; of `benchmarks/attention.py`."""
    frame = read_frame(RESULTS / f"matrix-{suite}" / "attention.csv", ATTENTION, ("variant",))
    seeds = sorted({int(seed) for seed in frame["seed"]})
    lines = [f"| seed | {' | '.join(map(str, seeds))} |", "|---|" + "---:|" * len(seeds)]
    titles = _ablation(suite).set_index("variant")["title"]
    for variant, members in frame.groupby("variant", sort=False):
        if (members["attention_finds_actions"] == BLIND).all():
            continue  # this one has no attention
        pairs = zip(members["attention_finds_actions"], members["average_mAP"], strict=True)
        cells = " | ".join(f"{finds:.2f} · {score:.1f}" for finds, score in pairs)
        lines.append(f"| {titles[str(variant)]} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Fill in a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, required=True, metavar="FILE", help="the page")
    page = parser.parse_args().write
    write_text(page, filled(read_text(page)))


if __name__ == "__main__":
    main()
