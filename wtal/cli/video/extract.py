"""`wtal extract`: features of video files, an array and a record each."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wtal.base.edges.outputs import OutputFolder

if TYPE_CHECKING:
    from wtal.video.contract import ExtractSettings
    from wtal.video.many import ExtractionJob, ExtractionRequest


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command of this stage."""
    extract = commands.add_parser(
        "extract",
        help="features of video files, ready for new-dataset and predict",
        description="Write one .npy [snippets, features] a video and a JSON file beside it that says how it was made. "
        "Frames are picked by the time at which they are shown. A video whose features are there, whole and of the "
        "same settings, is passed over, so that the same command goes on where it was stopped. A damaged file gets "
        "one sentence and the others go on; the exit code is 2 then.",
    )
    extract.add_argument("videos", nargs="+", type=Path, metavar="VIDEOS", help="video files, or folders of them")
    extract.add_argument(
        "--out", type=OutputFolder, required=True, metavar="DIR", help="folder to write the features to"
    )
    add_options(extract)
    extract.set_defaults(run=extract_videos)


def add_options(command: argparse._ActionsContainer) -> None:
    """The options that say how features are made."""
    command.add_argument(
        "--extractor",
        default="lite0+dis",
        metavar="KIND",
        help="lite0+dis (default, no download) or another of `wtal list extractors`; with settings of its own as "
        "YAML: '{kind: lite0+dis, appearance_frames: 8}'",
    )
    command.add_argument("--weights", type=Path, metavar="FILE", help="a file of weights in place of the usual one")
    command.add_argument("--frames-per-second", type=float, default=25.0, help="of the grid (default: 25)")
    command.add_argument("--frames-per-snippet", type=int, default=16, help="frames of a snippet (default: 16)")
    command.add_argument("--stride", type=int, default=16, help="frames from snippet to snippet (default: 16)")
    command.add_argument("--precision", choices=("float32", "float16"), default="float32", help="as what to write")
    command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="videos at once (default: 1)")


def extract_videos(options: argparse.Namespace) -> None:
    """Videos in, features out; what could not be read is told of in the end."""
    from wtal.video.decode import load_libraries

    load_libraries()  # what is missing is said before anything else is loaded

    from wtal.video.many import extract_all

    jobs, request = extraction_of(options)
    outcomes, settings = extract_all(jobs, request, options.jobs), request.settings
    n_kept = sum(outcome.ended == "kept" for outcome in outcomes)
    extractor, rate = settings.extractor, settings.snippets_per_second
    print(f"{options.out}: {len(outcomes)} videos ({n_kept} were there), {extractor.columns} features of", end=" ")
    print(f"{extractor.kind}, {rate:g} snippets per second; weights: {extractor.licence}")


def extraction_of(options: argparse.Namespace) -> tuple[list[ExtractionJob], ExtractionRequest]:
    """What is to be extracted and how, as the options say. Raises InputError naming the one that is wrong."""
    from wtal.base.errors import require
    from wtal.training.runtime import device_of
    from wtal.video.extract import VIDEOS, videos_below
    from wtal.video.many import ExtractionRequest, jobs_of

    require(options.jobs >= 1, "--jobs", "a whole number, 1 or above", options.jobs)
    settings = _settings(options)
    jobs = jobs_of(videos_below(options.videos, VIDEOS), options.out)
    return jobs, ExtractionRequest(settings, options.weights, str(device_of(options.device)))


def _settings(options: argparse.Namespace) -> ExtractSettings:
    """The settings that the options ask for. Raises InputError naming the one that is out of range."""
    import yaml

    from wtal.base.errors import InputError
    from wtal.base.schema import from_mapping
    from wtal.video.contract import ExtractSettings

    try:
        extractor = yaml.safe_load(options.extractor)
    except yaml.YAMLError:
        raise InputError(
            file="extract", key="--extractor", expected="a kind, or a group of keys as YAML", got=options.extractor
        ) from None
    values = {
        "extractor": extractor,
        "frames_per_second": options.frames_per_second,
        "frames_per_snippet": options.frames_per_snippet,
        "stride": options.stride,
        "precision": options.precision,
    }
    return from_mapping(ExtractSettings, values, file="extract")
