"""What every command that scores detections asks for: ground truth, protocol, and what is left out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wtal.errors import InputError, SettingError

if TYPE_CHECKING:
    from wtal.evaluate import EvaluationOptions
    from wtal.records import Detections, Instances

DATASETS = ("thumos14", "activitynet12", "activitynet13")
FORMATS = ("table", "json", "csv", "markdown", "latex")


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    """What decides a score."""
    parser.add_argument("--dataset", choices=DATASETS, help="sets subset, thresholds and snippet rate, and finds data/")
    parser.add_argument(
        "--ground-truth",
        type=Path,
        metavar="PATH",
        help="folder of the THUMOS14 or ActivityNet arrays, a store, or an ActivityNet JSON (default: data/DATASET)",
    )
    parser.add_argument("--subset", help="subset of the ground truth (default: the data set's test or validation)")
    parser.add_argument("--protocol", choices=("activitynet", "snippet", "step"), default="activitynet")
    parser.add_argument("--tiou", help="thresholds, first:last:step or a,b,c (default: the data set's)")
    parser.add_argument("--snippets-per-second", type=float, metavar="RATE", help="grid of the snippet protocol")
    parser.add_argument(
        "--ambiguous",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="FILE",
        help="remove detections that touch an ambiguous interval; without FILE the data set's own list",
    )
    parser.add_argument(
        "--exclude-videos",
        default="",
        metavar="A,B",
        help="leave videos out; on thumos14 `wrongly-annotated` names the two that are annotated wrongly throughout",
    )
    parser.add_argument(
        "--unknown-videos",
        choices=("refuse", "drop", "count"),
        default="refuse",
        help="detections of videos that the ground truth lacks: refuse, drop, or count as wrong (default refuse)",
    )
    parser.add_argument("--deduplicate", action="store_true", help="remove exact duplicates of instances")
    parser.add_argument(
        "--npy-bounds",
        choices=("snippets", "seconds"),
        default="snippets",
        help="what the bounds in .npy files of detections are (default snippets, at the snippet rate)",
    )
    parser.set_defaults(missing_class="zero")


def add_missing_class(parser: argparse.ArgumentParser) -> None:
    """What a class without detections costs, for the commands that print scores."""
    parser.add_argument(
        "--missing-class",
        choices=("zero", "zero_all"),
        default="zero",
        help="a class without detections has AP 0, or zeroes the whole table as published (default zero)",
    )


def add_resampling_seed(parser: argparse.ArgumentParser) -> None:
    """What the resamples of a bootstrap depend on."""
    parser.add_argument("--seed", default="0", help="any text; the resamples depend on it alone (default 0)")


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """How a score is printed."""
    parser.add_argument("--format", choices=FORMATS, default="table", help="form of the output (default table)")
    parser.add_argument("--digits", type=int, default=2, choices=range(13), metavar="N", help="in tables (default 2)")


def truth_and_options(options: argparse.Namespace) -> tuple[Instances, EvaluationOptions]:
    """Ground truth and options as the command line says, the data set's own where it says nothing."""
    from wtal.evaluate import EvaluationOptions
    from wtal.evaluate.datasets import DATASETS as KNOWN
    from wtal.evaluate.datasets import default_folder
    from wtal.evaluate.ground_truth import read_ambiguous, read_ground_truth
    from wtal.evaluate.thresholds import thresholds_from_text

    known = KNOWN.get(options.dataset)
    if options.ground_truth is None and known is None:
        raise InputError(file="command line", expected="--dataset or --ground-truth", got="neither")
    folder = options.ground_truth or default_folder(options.dataset)
    truth = read_ground_truth(folder, options.subset or (known.subset if known else None))
    ambiguous = None
    if options.ambiguous is not None:
        ambiguous = read_ambiguous(_ambiguous_file(options.ambiguous, folder, known.ambiguous if known else None))
    own_tiou = known.tiou if known else "0.1:0.7:0.1"
    groups = known.named_videos if known else {}
    videos = [name.strip() for name in options.exclude_videos.split(",") if name.strip()]
    try:
        how = EvaluationOptions(
            protocol=options.protocol,
            tiou=thresholds_from_text(options.tiou or own_tiou),
            averages=known.averages if known and options.tiou in (None, own_tiou) else (),
            snippets_per_second=options.snippets_per_second or _own_rate(folder, options.dataset),
            missing_class=options.missing_class,
            unknown_videos=options.unknown_videos,
            exclude_videos=tuple(name for group in videos for name in groups.get(group, (group,))),
            ambiguous=ambiguous,
            deduplicate=options.deduplicate,
        )
    except SettingError as error:
        key = f"--{error.key.replace('_', '-')}"
        raise InputError(file=key, expected=error.expected, got=error.got) from None
    return truth, how


def _own_rate(folder: Path, dataset: str | None) -> float | None:
    """Snippets per second of a store, or of a known data set; None where nobody says."""
    from wtal.evaluate.datasets import DATASETS as KNOWN

    if (folder / "meta.json").is_file():
        from wtal.data.store import read_store

        return read_store(folder).snippets_per_second
    return KNOWN[dataset].snippets_per_second if dataset else None


def read_scored(path: Path, truth: Instances, how: EvaluationOptions, npy_bounds: str) -> Detections:
    """The detections of a file in any of its forms: .json, .csv, or .npy with the ground truth's numbering."""
    from wtal.evaluate.detections import read_detections
    from wtal.evaluate.object_arrays import read_object_array

    if path.suffix.lower() != ".npy":
        return read_detections(path)
    if npy_bounds == "seconds":
        return read_object_array(path, truth, None)
    if how.snippets_per_second is None:
        expected = "a rate above 0 to read snippets in .npy files (or --npy-bounds seconds)"
        raise InputError(file="--snippets-per-second", expected=expected, got="none")
    return read_object_array(path, truth, how.snippets_per_second)


def _ambiguous_file(chosen: Path, folder: Path, own: str | None) -> Path:
    if chosen != Path():
        return chosen
    if own is None or not folder.is_dir():
        raise InputError(file="--ambiguous", expected="a file, or a data set that has one", got="neither")
    return folder / own
