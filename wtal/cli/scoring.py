"""What every command that scores detections asks for: ground truth, protocol, and what is left out."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from wtal.base.errors import InputError, SettingError

if TYPE_CHECKING:
    from wtal.base.records import Detections
    from wtal.evaluate.read.ground_truth import GroundTruth
    from wtal.evaluate.score.options import AmbiguousIntervals, EvaluationOptions
    from wtal.suite.contracts import ScoringProtocol

logger = logging.getLogger(__name__)

DATASETS = ("thumos14", "activitynet12", "activitynet13")
FORMATS = ("table", "json", "csv", "markdown", "latex")


class _Once(argparse.Action):
    """A value that may be given in one of two ways, and not in both."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest, None) is not None:
            parser.error(f"expected one file of {self.dest}; got {getattr(namespace, self.dest)} and {values}")
        setattr(namespace, self.dest, values)


def _path(text: str) -> Path | str:
    return text if text is argparse.SUPPRESS else Path(text)  # argparse converts the default, too


def add_detections(parser: argparse.ArgumentParser) -> None:
    """The file that is scored: by its place, or by the option that it once had."""
    about = "detections: json, csv, npy, pkl, txt"
    suppressed = argparse.SUPPRESS
    parser.add_argument(
        "detections", type=_path, nargs="?", metavar="FILE", action=_Once, default=suppressed, help=about
    )
    parser.add_argument("--detections", type=Path, metavar="FILE", action=_Once, help="another way to name them")


def check_detections(options: argparse.Namespace) -> None:
    """Raises InputError where no file of detections is named."""
    if options.detections is None:
        raise InputError(file="command line", expected="a file of detections", got="none")


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    """What decides a score."""
    parser.add_argument("--dataset", choices=DATASETS, help="sets subset, thresholds and snippet rate, and finds data/")
    parser.add_argument(
        "--ground-truth",
        type=Path,
        metavar="PATH",
        help="a store, a folder of THUMOS14's or ActivityNet's arrays or of the THUMOS toolkit's text, JSON as "
        "ActivityNet, ActionFormer, G-TAD or MMAction2 have it, or CSV (default: data/DATASET)",
    )
    parser.add_argument("--subset", help="subset of the ground truth (default: the data set's test or validation)")
    parser.add_argument(
        "--protocol",
        default="activitynet",
        metavar="KIND",
        help="activitynet (default), snippet, step, wtalc, or another that is installed (`wtal list protocols`)",
    )
    parser.add_argument("--tiou", help="thresholds, first:last:step or a,b,c (default: the data set's)")
    parser.add_argument(
        "--snippets-per-second", type=float, metavar="RATE", help="grid of a protocol that compares snippets"
    )
    parser.add_argument(
        "--ambiguous",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="FILE",
        help="remove detections that touch an ambiguous interval; without FILE those that the ground truth marks, "
        "or the data set's own list",
    )
    parser.add_argument(
        "--exclude-videos",
        default="",
        metavar="A,B",
        help="leave videos out; on thumos14 `wrongly-annotated` names the two that are annotated wrongly throughout",
    )
    parser.add_argument("--deduplicate", action="store_true", help="remove exact duplicates of instances")
    parser.add_argument(
        "--npy-bounds",
        choices=("snippets", "seconds"),
        default="snippets",
        help="what the bounds in .npy files of detections are (default snippets, at the snippet rate)",
    )
    _add_names(parser)
    parser.set_defaults(missing_class="zero")


def _add_names(parser: argparse.ArgumentParser) -> None:
    """What becomes of names that the ground truth lacks, or that the detections do."""
    parser.add_argument(
        "--unknown-videos",
        choices=("refuse", "drop", "count"),
        default="refuse",
        help="detections of videos that the ground truth lacks: refuse, drop, or count as wrong (default refuse)",
    )
    parser.add_argument(
        "--unknown-classes",
        choices=("refuse", "drop", "count"),
        default="refuse",
        help="detections of classes that the ground truth lacks: refuse, drop, or count each class with AP 0 (default "
        "refuse)",
    )
    parser.add_argument(
        "--require-all-videos", action="store_true", help="refuse detections that do not name every video of the subset"
    )
    parser.add_argument(
        "--class-names",
        type=Path,
        metavar="FILE",
        help="names of the classes that detections give by number: a name or `number name` a line, JSON, classlist.npy",
    )


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
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    parser.add_argument("--digits", type=int, default=2, choices=range(13), metavar="N", help="in tables (default 2)")


def print_table(rows: Sequence[Sequence[str]], form: str, caption: str) -> None:
    """Print a table with its caption; beside a CSV table the caption goes to standard error."""
    from wtal.evaluate.text.typeset import typeset

    print(typeset(rows, form, caption))
    if form == "csv":
        logger.info(caption)


def truth_and_options(options: argparse.Namespace) -> tuple[GroundTruth, EvaluationOptions]:
    """Ground truth and options as the command line says, the data set's own where it says nothing."""
    from wtal.evaluate.read.datasets import DATASETS as KNOWN
    from wtal.evaluate.read.datasets import default_folder
    from wtal.evaluate.read.ground_truth import read_ground_truth
    from wtal.evaluate.score.options import EvaluationOptions
    from wtal.evaluate.score.thresholds import thresholds_from_text

    known = KNOWN.get(options.dataset)
    if options.ground_truth is None and known is None:
        raise InputError(file="command line", expected="--dataset or --ground-truth", got="neither")
    folder = options.ground_truth or default_folder(options.dataset)
    truth = read_ground_truth(folder, options.subset or (known.subset if known else None))
    for note in truth.notes:
        logger.info(f"{folder}: {note}")
    own_rate = known.snippets_per_second if known else None
    rates = (options.snippets_per_second, truth.snippets_per_second, own_rate)
    own_tiou = known.tiou if known else "0.1:0.7:0.1"
    groups = known.named_videos if known else {}
    videos = [name.strip() for name in options.exclude_videos.split(",") if name.strip()]
    try:
        how = EvaluationOptions(
            protocol=_protocol(options.protocol),
            tiou=thresholds_from_text(options.tiou or own_tiou),
            averages=known.averages if known and options.tiou in (None, own_tiou) else (),
            snippets_per_second=next((rate for rate in rates if rate is not None), None),
            missing_class=options.missing_class,
            unknown_videos=options.unknown_videos,
            unknown_classes=options.unknown_classes,
            require_all_videos=options.require_all_videos,
            exclude_videos=tuple(name for group in videos for name in groups.get(group, (group,))),
            ambiguous=_ambiguous(options.ambiguous, folder, truth, known.ambiguous if known else None),
            deduplicate=options.deduplicate,
            n_ambiguous_instances=truth.n_ambiguous,
        )
    except SettingError as error:
        key = f"--{error.key.replace('_', '-')}"
        raise InputError(file=key, expected=error.expected, got=error.got) from None
    return truth, how


def _protocol(kind: str) -> ScoringProtocol:
    """The protocol of a kind, with its usual settings."""
    from wtal.base.members import OneOf
    from wtal.base.schema import from_mapping
    from wtal.suite.contracts import ScoringProtocol

    any_kind: Any = Annotated[ScoringProtocol, OneOf("wtal.protocols")]
    return cast("ScoringProtocol", from_mapping(any_kind, kind, file="--protocol"))


def _ambiguous(chosen: Path | None, folder: Path, truth: GroundTruth, own: str | None) -> AmbiguousIntervals | None:
    """The intervals of a file, those that the ground truth marks, or of the data set's own file; None if not asked."""
    from wtal.evaluate.read.ground_truth import read_ambiguous

    if chosen is None:
        return None
    if chosen != Path():
        return read_ambiguous(chosen)
    if truth.ambiguous is not None:
        return truth.ambiguous
    if own is None or not folder.is_dir():
        expected = "a file, or a data set that has one, or a ground truth that marks such intervals"
        raise InputError(file="--ambiguous", expected=expected, got="none of them")
    return read_ambiguous(folder / own)


def read_scored(path: Path, truth: GroundTruth, how: EvaluationOptions, options: argparse.Namespace) -> Detections:
    """The detections of a file in any of its forms; what was done to read them is told on standard error."""
    from wtal.evaluate.read.class_names import read_class_names
    from wtal.evaluate.read.detection_forms import read_any_detections

    rate = None if options.npy_bounds == "seconds" else how.snippets_per_second
    if rate is None and options.npy_bounds != "seconds" and path.suffix.lower() == ".npy":
        expected = "a rate above 0 to read snippets in .npy files (or --npy-bounds seconds)"
        raise InputError(file="--snippets-per-second", expected=expected, got="none")
    names = None if options.class_names is None else read_class_names(options.class_names)
    return read_any_detections(
        path,
        truth,
        snippets_per_second=rate,
        class_names=names,
        tell=lambda sentence: logger.info(f"{path}: {sentence}"),
    )
