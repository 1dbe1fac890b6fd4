"""`wtal evaluate`, `wtal compare` and `wtal evaluate-run`: scores of detections under a named protocol."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wtal.errors import InputError, SettingError

if TYPE_CHECKING:
    from wtal.evaluate import EvaluationOptions
    from wtal.records import Instances

DATASETS = ("thumos14", "activitynet12", "activitynet13")
FORMATS = ("table", "json", "csv", "markdown", "latex")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    evaluate = commands.add_parser(
        "evaluate",
        help="score a file of detections under a named protocol",
        description="Score detections (ActivityNet JSON, or CSV with video,label,start,end,score; seconds) against "
        "ground truth. The same detections differ by up to 1.2 mAP between protocols: docs/evaluation.md.",
    )
    evaluate.add_argument("--detections", type=Path, required=True, metavar="FILE", help="detections, .json or .csv")
    evaluate.add_argument("--bootstrap", type=int, default=0, metavar="N", help="intervals from N resamples of videos")
    evaluate.add_argument("--per-class", action="store_true", help="a row for each class in tables")
    _add_options(evaluate)
    evaluate.set_defaults(run=evaluate_file)
    compare = commands.add_parser(
        "compare",
        help="compare files of detections: which is better, by how much, how surely",
        description="Score two or more files on the same videos. Each is compared with the first: better by d "
        "[low, high], a bootstrap interval over videos, paired: every resample is the same for all files.",
    )
    compare.add_argument("files", type=Path, nargs="+", metavar="FILE", help="detections, .json or .csv")
    compare.add_argument("--bootstrap", type=int, default=1000, metavar="N", help="resamples of videos (default 1000)")
    _add_options(compare)
    compare.set_defaults(run=compare_files)
    _register_run(commands)


def _register_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("evaluate-run", help="write the metrics of one variant and seed of a suite")
    run.add_argument(
        "--settings",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="evaluate.json of the variant; further settings files enter the recorded digest alone",
    )
    run.add_argument("--detections-of-rounds", type=Path, required=True, metavar="NPZ", help="rounds.npz of the run")
    run.add_argument("--data", type=Path, required=True, metavar="DIR", help="the store written by `wtal prepare`")
    run.add_argument("--scores", type=Path, nargs="+", required=True, metavar="NPZ", help="test scores, a file a round")
    run.add_argument("--labels", type=Path, nargs="*", default=[], metavar="NPZ", help="pseudo labels from round 1 on")
    run.add_argument("--variant", required=True, help="name of the variant, recorded")
    run.add_argument("--seed", type=int, required=True, help="seed of the run, recorded")
    run.add_argument("--out", type=Path, required=True, metavar="JSON", help="metrics.json to write")
    run.set_defaults(run=evaluate_run)


def _add_options(parser: argparse.ArgumentParser) -> None:
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
        "--missing-class",
        choices=("zero", "zero_all"),
        default="zero",
        help="a class without detections has AP 0, or zeroes the whole table as published (default zero)",
    )
    parser.add_argument(
        "--unknown-videos",
        choices=("refuse", "drop", "count"),
        default="refuse",
        help="detections of videos that the ground truth lacks: refuse, drop, or count as wrong (default refuse)",
    )
    parser.add_argument("--deduplicate", action="store_true", help="remove exact duplicates of instances")
    _add_output(parser)


def _add_output(parser: argparse.ArgumentParser) -> None:
    """How a score is printed, and what its resamples depend on."""
    parser.add_argument("--seed", default="0", help="any text; the resamples depend on it alone (default 0)")
    parser.add_argument("--format", choices=FORMATS, default="table", help="form of the output (default table)")
    parser.add_argument("--digits", type=int, default=2, choices=range(13), metavar="N", help="in tables (default 2)")


def evaluate_file(options: argparse.Namespace) -> None:
    """Score one file of detections and print the result."""
    from wtal.evaluate import evaluate_matches, match_detections
    from wtal.evaluate.detections import read_detections
    from wtal.evaluate.formats import as_value, caption_of, result_rows, to_json_line, typeset
    from wtal.evaluate.uncertainty import bootstrap_average

    _check_resamples(options.bootstrap, least=0)
    truth, how = _truth_and_options(options)
    matches = match_detections(read_detections(options.detections), truth, how, source=str(options.detections))
    result = evaluate_matches(matches)
    bootstrap = None
    if options.bootstrap:
        bootstrap = bootstrap_average({"": [matches]}, options.seed, n_resamples=options.bootstrap)
    if options.format == "json":
        print(to_json_line(as_value(result, bootstrap)))
        return
    rows = result_rows(result, bootstrap, options.digits, options.per_class)
    print(typeset(rows, options.format, caption_of(result, options.detections.name)))


def compare_files(options: argparse.Namespace) -> None:
    """Score several files and print by how much each is better than the first."""
    from wtal.evaluate import evaluate_matches, match_detections
    from wtal.evaluate.comparison import comparison_rows, comparison_value
    from wtal.evaluate.detections import read_detections
    from wtal.evaluate.formats import caption_of, to_json_line, typeset
    from wtal.evaluate.uncertainty import bootstrap_average

    names = _short_names(options.files)
    _check_resamples(options.bootstrap, least=10)
    truth, how = _truth_and_options(options)
    systems = {
        name: [match_detections(read_detections(file), truth, how, source=str(file))]
        for name, file in zip(names, options.files)
    }
    pairs = [(name, names[0]) for name in names[1:]]
    result = bootstrap_average(systems, options.seed, comparisons=pairs, n_resamples=options.bootstrap)
    scores = {name: evaluate_matches(matches[0]) for name, matches in systems.items()}
    if options.format == "json":
        print(to_json_line(comparison_value(scores, result)))
        return
    caption = caption_of(scores[names[0]], f"{result.n_resamples} resamples")
    print(typeset(comparison_rows(scores, result, options.digits), options.format, caption))


def _short_names(files: list[Path]) -> list[str]:
    """The files' names, with their folders where names alone would not tell them apart."""
    if len(files) < 2 or len(set(files)) < len(files):
        raise InputError(file="FILE", expected="two or more files, each once", got=" ".join(map(str, files)))
    names = [file.name for file in files]
    return names if len(set(names)) == len(names) else [str(file) for file in files]


def _check_resamples(number: int, least: int) -> None:
    if number < least or 0 < number < 10:
        raise InputError(file="--bootstrap", expected="10 resamples or more", got=number)


def _truth_and_options(options: argparse.Namespace) -> tuple[Instances, EvaluationOptions]:
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
            snippets_per_second=options.snippets_per_second or (known.snippets_per_second if known else None),
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


def _ambiguous_file(chosen: Path, folder: Path, own: str | None) -> Path:
    if chosen != Path():
        return chosen
    if own is None or not folder.is_dir():
        raise InputError(file="--ambiguous", expected="a file, or a data set that has one", got="neither")
    return folder / own


def evaluate_run(options: argparse.Namespace) -> None:
    """Write metrics.json of one variant and seed: the same inputs always give the same bytes."""
    from wtal.config import from_mapping
    from wtal.data.store import read_store
    from wtal.evaluate import options_from_settings
    from wtal.evaluate.run import RunFiles, run_metrics
    from wtal.files import digest_of_value, read_json, to_json, write_text
    from wtal.settings import EvaluationSettings

    values: list[Any] = [read_json(path) for path in options.settings]
    settings = from_mapping(EvaluationSettings, values[0], file=options.settings[0])
    files = RunFiles(options.data, options.detections_of_rounds, tuple(options.scores), tuple(options.labels))
    try:
        how = options_from_settings(settings, read_store(options.data).snippets_per_second)
    except SettingError as error:
        raise InputError(file=options.settings[0], key=error.key, expected=error.expected, got=error.got) from None
    named = {
        "variant": options.variant,
        "seed": options.seed,
        "settings_digest": digest_of_value(values if len(values) > 1 else values[0]),
    }
    write_text(options.out, to_json(named | run_metrics(files, how)))
