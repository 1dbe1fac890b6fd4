"""`wtal diagnose` and `wtal label-quality`: what is wrong with detections, and how good pseudo labels are."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wtal.base.edges.outputs import OutputFolder
from wtal.base.errors import InputError, SettingError
from wtal.cli.parser.written import saying_written
from wtal.cli.scoring import (
    add_detections,
    add_output_options,
    add_scoring_options,
    check_detections,
    read_scored,
    truth_and_options,
)

if TYPE_CHECKING:
    from wtal.evaluate.diagnose.characteristics import Buckets
    from wtal.evaluate.read.ground_truth import GroundTruth

logger = logging.getLogger(__name__)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this part of the stage."""
    diagnose = commands.add_parser(
        "diagnose",
        help="say which errors detections make, what they cost, and which instances are missed",
        description="Errors among the top 10 G predictions of each class with G instances, by kind; the mAP that "
        "removing each kind would gain; mAP and missed instances by length, coverage and number of instances. After "
        "DETAD (Alwassel et al., ECCV 2018): docs/diagnosis.md.",
    )
    add_detections(diagnose)
    diagnose.add_argument(
        "--out", type=OutputFolder, metavar="DIR", help="folder for tables (CSV) and figures (SVG, PNG)"
    )
    diagnose.add_argument(
        "--characteristics",
        type=Path,
        metavar="FILE",
        help="characteristics of the instances in DETAD's format (default: computed from the annotations)",
    )
    diagnose.add_argument(
        "--buckets",
        choices=("thumos14", "activitynet", "quintiles"),
        help="published edges of the buckets, or fifths of these instances (default: the data set's; else thumos14)",
    )
    diagnose.add_argument("--title", help="heading of the figures (default: the file's name and the protocol)")
    diagnose.add_argument("--no-figures", action="store_true", help="write tables alone")
    add_scoring_options(diagnose)
    add_output_options(diagnose)
    diagnose.set_defaults(run=diagnose_file)
    _register_labels(commands)


def _register_labels(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    labels = commands.add_parser(
        "label-quality",
        help="print how good the pseudo labels of each round are, against the hidden truth",
        description="Precision, recall and average precision of snippets, mAP of the segments behind the labels, and "
        "the state of the linear programmes; a row for each file. A diagnosis: training never sees the truth.",
    )
    labels.add_argument("--data", type=Path, required=True, metavar="DIR", help="the store written by `wtal prepare`")
    labels.add_argument("--labels", type=Path, nargs="+", required=True, metavar="NPZ", help="labels.npz of each round")
    labels.add_argument("--settings", type=Path, metavar="FILE", help="evaluate.json: protocol and thresholds")
    add_output_options(labels)
    labels.set_defaults(run=print_label_quality)


def diagnose_file(options: argparse.Namespace) -> None:
    """Print a diagnosis, and write its tables and figures where --out is given."""
    from wtal.evaluate.diagnose.diagnose import diagnose_matches
    from wtal.evaluate.diagnose.tables import diagnosis_value, summary_tables, write_diagnosis_tables
    from wtal.evaluate.score.acted import clauses
    from wtal.evaluate.score.evaluation import match_detections
    from wtal.evaluate.text.formats import to_json_line
    from wtal.evaluate.text.typeset import typeset

    check_detections(options)
    truth, how = truth_and_options(options)
    detections = read_scored(options.detections, truth, how, options)
    matches = match_detections(detections, truth.instances, how, source=str(options.detections))
    buckets = _buckets(options, truth)
    result = diagnose_matches(matches, detections, truth.instances, buckets)
    if options.out is not None:
        with saying_written(options.out):
            write_diagnosis_tables(result, how, options.out)
            if not options.no_figures:
                from wtal.report.figures.diagnosis_figures import write_diagnosis_figures

                title = options.title or f"{options.detections.name}, protocol {how.protocol_title}"
                write_diagnosis_figures(result, options.out, title)
    if options.format == "json":
        print(to_json_line(diagnosis_value(result, how)))
        return
    tables = summary_tables(result, options.digits)
    said = "; ".join(clauses(how, result.acted, len(matches.videos)))
    print("\n\n".join(typeset(rows, options.format, f"{caption}; {said}") for caption, rows in tables))
    if options.format == "csv":
        logger.info(said)


def _buckets(options: argparse.Namespace, truth: GroundTruth) -> tuple[Buckets, ...]:
    """The buckets of the instances, with edges as asked for or as the data set has them."""
    from wtal.evaluate.diagnose.characteristics import (
        PUBLISHED_EDGES,
        buckets_of,
        computed_characteristics,
        quintile_edges,
    )
    from wtal.evaluate.read.characteristics_file import read_characteristics
    from wtal.evaluate.read.datasets import default_folder

    if options.characteristics is not None:
        found = read_characteristics(options.characteristics, truth.instances)
    else:
        found = computed_characteristics(truth.instances, truth.seconds)
        if truth.seconds is None:
            folder = options.ground_truth or default_folder(options.dataset)
            logger.info(f"{folder}: coverage is left out, since the lengths of the videos are not there")
    name = options.buckets or ("activitynet" if (options.dataset or "").startswith("activitynet") else "thumos14")
    edges = quintile_edges(found) if name == "quintiles" else PUBLISHED_EDGES[name]
    return buckets_of(found, edges)


def print_label_quality(options: argparse.Namespace) -> None:
    """Print a row for each file of pseudo labels."""
    from wtal.base.files import read_json
    from wtal.base.schema import from_mapping
    from wtal.data.store.read import read_store
    from wtal.evaluate.run.label_quality import label_quality
    from wtal.evaluate.score.options import options_from_settings
    from wtal.evaluate.text.formats import quality_rows, quality_value, to_json_line
    from wtal.evaluate.text.typeset import typeset
    from wtal.localise.labels.file import read_labels_of
    from wtal.suite.method_settings import ScoringSettings

    values: Any = read_json(options.settings) if options.settings else {}
    settings = from_mapping(ScoringSettings, values, file=options.settings or "--settings")
    store = read_store(options.data)
    try:
        how = options_from_settings(settings, store.snippets_per_second)
    except SettingError as error:
        raise InputError(file=options.settings, key=error.key, expected=error.expected, got=error.got) from None
    hidden = store.instances("train")
    found = [
        (str(path), label_quality(read_labels_of(path, store), store.classes, hidden, how)) for path in options.labels
    ]
    if options.format == "json":
        print(to_json_line([quality_value(name, quality) for name, quality in found]))
        return
    caption = f"quality of pseudo labels, percent; label mAP@{how.average_names[-1]}, protocol {how.protocol_title}"
    print(typeset(quality_rows(found, options.digits), options.format, caption))
