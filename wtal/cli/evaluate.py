"""`wtal evaluate`, `wtal compare` and `wtal evaluate-run`: scores of detections under a named protocol."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from wtal.base.edges.outputs import OutputFile
from wtal.base.errors import InputError, SettingError
from wtal.cli import diagnose
from wtal.cli.scoring import (
    add_detections,
    add_missing_class,
    add_output_options,
    add_resampling_seed,
    add_scoring_options,
    check_detections,
    print_table,
    read_scored,
    truth_and_options,
)

MOST_RESAMPLES = 100_000


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    evaluate = commands.add_parser(
        "evaluate",
        help="score a file of detections under a named protocol",
        description="Score detections (ActivityNet's JSON, CSV with video,label,start,end,score in seconds, .npy as "
        "W-TALC's descendants leave it, ActionFormer's eval_results.pkl, the THUMOS toolkit's text) against truth. "
        "The same detections differ by up to 1.2 mAP between protocols: docs/evaluation.md.",
    )
    add_detections(evaluate)
    evaluate.add_argument("--bootstrap", type=int, default=0, metavar="N", help="intervals from N resamples of videos")
    evaluate.add_argument("--per-class", action="store_true", help="a row for each class in tables")
    _add_scoring(evaluate)
    evaluate.set_defaults(run=evaluate_file)
    compare = commands.add_parser(
        "compare",
        help="compare files of detections: which is better, by how much, how surely",
        description="Score two or more systems on the same videos. Each is compared with the first: better by d "
        "[low, high]. A system is a file, or with --system several files, one for each seed, in the same order for "
        "every system; the interval is over other videos and other seeds, paired in both (docs/statistics.md).",
    )
    compare.add_argument("files", type=Path, nargs="*", metavar="FILE", help="detections, a system each")
    compare.add_argument(
        "--system",
        nargs="+",
        action="append",
        default=[],
        metavar=("NAME", "FILE"),
        help="a system and the files of its seeds; once for each system, in place of FILEs",
    )
    compare.add_argument("--bootstrap", type=int, default=1000, metavar="N", help="resamples (default 1000)")
    compare.add_argument(
        "--html",
        type=OutputFile,
        metavar="FILE",
        help="write a page that shows it, with every video and what is wrong there",
    )
    compare.add_argument(
        "--videos", type=Path, metavar="DIR", help="files of the videos, by name; the page of --html plays them"
    )
    _add_scoring(compare)
    compare.set_defaults(run=compare_files)
    _register_run(commands)
    diagnose.register(commands)


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    add_scoring_options(parser)
    add_missing_class(parser)
    add_resampling_seed(parser)
    add_output_options(parser)


def _register_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("evaluate-run", help="write the metrics of one variant and seed of a suite")
    run.add_argument(
        "--settings",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="evaluate.json of the variant, and detect.json, which tells whether an epoch is selected on the test set",
    )
    run.add_argument("--detections-of-rounds", type=Path, required=True, metavar="NPZ", help="rounds.npz of the run")
    run.add_argument("--data", type=Path, required=True, metavar="DIR", help="the store written by `wtal prepare`")
    run.add_argument("--scores", type=Path, nargs="+", required=True, metavar="NPZ", help="test scores, a file a round")
    run.add_argument("--labels", type=Path, nargs="*", default=[], metavar="NPZ", help="pseudo labels from round 1 on")
    run.add_argument("--variant", required=True, help="name of the variant, recorded")
    run.add_argument("--seed", type=int, required=True, help="seed of the run, recorded")
    run.add_argument("--out", type=OutputFile, required=True, metavar="JSON", help="metrics.json to write")
    run.set_defaults(run=evaluate_run)


def evaluate_file(options: argparse.Namespace) -> None:
    """Score one file of detections and print the result."""
    from wtal.evaluate.score.evaluation import evaluate_matches, match_detections
    from wtal.evaluate.score.intervals import interval_over
    from wtal.evaluate.score.uncertainty import bootstrap_average
    from wtal.evaluate.text.formats import as_value, caption_of, result_rows, to_json_line

    _check_resamples(options.bootstrap, least=0)
    check_detections(options)
    truth, how = truth_and_options(options)
    detections = read_scored(options.detections, truth, how, options)
    matches = match_detections(detections, truth.instances, how, source=str(options.detections))
    result = evaluate_matches(matches)
    bootstrap = None
    if options.bootstrap:
        bootstrap = bootstrap_average({"": [matches]}, options.seed, n_resamples=options.bootstrap)
    if options.format == "json":
        print(to_json_line(as_value(result, bootstrap)))
        return
    rows = result_rows(result, bootstrap, options.digits, options.per_class)
    what = options.detections.name + (f", intervals over {interval_over((1,))}" if bootstrap else "")
    print_table(rows, options.format, caption_of(result, what))


def compare_files(options: argparse.Namespace) -> None:
    """Score several systems and print by how much each is better than the first."""
    from wtal.evaluate.score.evaluation import evaluate_matches, match_detections
    from wtal.evaluate.score.uncertainty import bootstrap_average
    from wtal.evaluate.text.comparison import comparison_caption, comparison_rows, comparison_value
    from wtal.evaluate.text.formats import to_json_line

    systems = _systems(options.files, options.system)
    _check_resamples(options.bootstrap, least=10)
    if options.videos is not None and options.html is None:
        raise InputError(file="--videos", expected="--html, whose page plays them", got="none")
    truth, how = truth_and_options(options)
    found = {name: [read_scored(file, truth, how, options) for file in files] for name, files in systems.items()}
    matches = {
        name: [match_detections(each, truth.instances, how, source=str(file)) for each, file in zip(found[name], files)]
        for name, files in systems.items()
    }
    first, *others = systems
    result = bootstrap_average(
        matches,
        options.seed,
        comparisons=[(name, first) for name in others],
        n_resamples=options.bootstrap,
    )
    if options.html is not None:
        from wtal.report.explorer.systems import System
        from wtal.report.page.compare_page import Comparison, write_comparison

        sets = tuple(System(name, name, tuple(found[name]), tuple(matches[name])) for name in systems)
        named = {name: [str(file) for file in files] for name, files in systems.items()}
        known = Comparison(sets, truth.instances, truth.seconds, result, options.dataset or "", named)
        write_comparison(known, options.html, options.digits, options.videos)
    scores = {name: [evaluate_matches(each) for each in seeds] for name, seeds in matches.items()}
    if options.format == "json":
        print(to_json_line(comparison_value(scores, result)))
        return
    print_table(comparison_rows(scores, result, options.digits), options.format, comparison_caption(scores, result))


def _systems(files: list[Path], named: list[list[str]]) -> dict[str, list[Path]]:
    """The files of each system by its name: given with --system, or the file's own name."""
    if files and named:
        raise InputError(file="command line", expected="FILEs or --system, not both", got="both")
    if not named:
        return dict(zip(_short_names(files), ([file] for file in files)))
    systems = {name: [Path(file) for file in rest] for name, *rest in named}
    if len(systems) < len(named) or len(systems) < 2:
        got = ", ".join(name for name, *_ in named)
        raise InputError(file="--system", expected="two or more systems, each name once", got=got)
    for name, own in systems.items():
        if not own or len(set(own)) < len(own):
            got = " ".join(map(str, own)) or "none"
            raise InputError(file="--system", key=name, expected="the files of its seeds, each once", got=got)
    return systems


def _short_names(files: list[Path]) -> list[str]:
    """The files' names, with their folders where names alone would not tell them apart."""
    if len(files) < 2 or len(set(files)) < len(files):
        got = " ".join(map(str, files)) or "none"
        raise InputError(file="FILE", expected="two or more files, each once", got=got)
    names = [file.name for file in files]
    return names if len(set(names)) == len(names) else [str(file) for file in files]


def _check_resamples(number: int, least: int) -> None:
    if number < least or 0 < number < 10:
        raise InputError(file="--bootstrap", expected="10 resamples or more", got=number)
    if number > MOST_RESAMPLES:
        raise InputError(file="--bootstrap", expected=f"at most {MOST_RESAMPLES:,} resamples", got=number)


def evaluate_run(options: argparse.Namespace) -> None:
    """Write metrics.json of one variant and seed: the same inputs always give the same bytes."""
    from wtal.base.files import digest_of_value, read_json, to_json, write_text
    from wtal.base.schema import from_mapping
    from wtal.data.store.read import read_store
    from wtal.evaluate.run.evaluate_run import RunFiles, run_metrics
    from wtal.evaluate.score.options import options_from_settings
    from wtal.suite.method_settings import ScoringSettings
    from wtal.suite.step_settings import DetectSettings

    values: list[Any] = [read_json(path) for path in options.settings]
    settings = from_mapping(ScoringSettings, values[0], file=options.settings[0])
    detection = from_mapping(DetectSettings, values[1], file=options.settings[1]) if len(values) > 1 else None
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
    write_text(options.out, to_json(named | run_metrics(files, how, detection)))
