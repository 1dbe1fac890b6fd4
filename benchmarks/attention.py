"""On which side of the truth the attention of base networks falls: why some seeds of a suite detect nothing.

    python benchmarks/attention.py results/matrix-swimming [--variants rskp_nms ...] [--out attention.csv]

For each variant and seed: the share of pairs of test snippets, one inside an action and one outside every, of which the
one inside has more attention (ties count half), beside the average mAP. 1: attention finds the actions; 0.5: it is
blind to them; 0: it is inverted, and lies on what is between the actions. Reads the results of a suite that was run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wtal.base.errors import WtalError
from wtal.base.files import write_rows
from wtal.base.records import VideoScores
from wtal.data.store.read import Store, read_store
from wtal.localise.scores_file import read_scores_of
from wtal.report.inputs.metrics import read_metrics
from wtal.report.inputs.plan import Plan, read_plan
from wtal.suite.paths import TEST_SCORES, SuitePaths

COLUMNS = ("variant", "seed", "attention_finds_actions", "average_mAP")


def inside_actions(store: Store) -> NDArray[np.bool_]:
    """Whether the middle of each test snippet [N] lies in an instance of any class."""
    truth, offsets = store.instances("test"), store.offsets("test")
    inside = np.zeros(int(offsets[-1]), dtype=bool)
    for video, start, end in zip(truth.video, truth.start, truth.end, strict=True):
        rows = inside[offsets[video] : offsets[video + 1]]
        middle = (np.arange(len(rows)) + 0.5) / store.snippets_per_second
        rows[(middle >= start) & (middle < end)] = True
    return inside


def share_in_order(values: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    """The share of pairs of a value inside and one outside of which the one inside is greater; ties count half."""
    ranks = pd.Series(values).rank().to_numpy()
    n_inside = int(inside.sum())
    n_pairs = n_inside * (len(inside) - n_inside)
    return float((ranks[inside].sum() - n_inside * (n_inside + 1) / 2) / n_pairs) if n_pairs else float("nan")


def rows_of(plan: Plan, results: Path, variants: list[str]) -> list[tuple[str, ...]]:
    """A row of COLUMNS for each variant and seed. Raises InputError where a file of the run is not there."""
    paths, store = SuitePaths(results), read_store(results / "data")
    inside, runs, rows = inside_actions(store), read_metrics(plan, results), []
    for name in variants:
        entry = plan.file.variants[name]
        for seed in plan.file.seeds:
            last = paths.round(entry.owners[-1], seed, entry.rounds)
            scores: VideoScores = read_scores_of(last / TEST_SCORES, store, "test")
            share = share_in_order(scores.attention, inside)
            rows.append((name, str(seed), f"{share:.3f}", f"{runs[name, seed].averages[plan.headline]:.1f}"))
    return rows


def main() -> int:
    """Print the rows, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="the folder of a suite that was run")
    parser.add_argument(
        "--variants", nargs="+", metavar="NAME", help="default: those that train a network without labels"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="a CSV file; default: printed")
    options = parser.parse_args()
    try:
        plan = read_plan(options.results / "settings" / "report.json")
        without = [name for name, entry in plan.file.variants.items() if entry.owners == (name,)]
        rows = rows_of(plan, options.results, options.variants or without)
    except WtalError as error:
        print(f"attention: {error}", file=sys.stderr)
        return 2
    if options.out:
        write_rows(options.out, COLUMNS, rows)
    else:
        print(*(",".join(row) for row in (COLUMNS, *rows)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
