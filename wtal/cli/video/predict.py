"""`wtal predict`: actions found in videos, or in features of them, and shown there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wtal.base.edges.outputs import OutputFolder, OutputPlace
from wtal.cli.parser.written import saying_written

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wtal.base.errors import WtalError
    from wtal.base.records import Detections, VideoScores
    from wtal.data.features.axes import Axis
    from wtal.suite.step_settings import DetectSettings
    from wtal.training.checkpoint import About
    from wtal.training.predict import TrainedModel


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command of this stage."""
    predict = commands.add_parser(
        "predict",
        help="detections of videos to predict from a trained checkpoint",
        description="Detections of videos that nobody annotated, from the video files or from features. The checkpoint "
        "says which classes, features and settings it was trained with; of video files the same features are made, "
        "and features that are given must be made and scaled as those of the training were.",
    )
    predict.add_argument("videos", nargs="*", type=Path, metavar="VIDEO", help="video files, or folders of them")
    predict.add_argument("--checkpoint", type=Path, required=True, metavar="FILE", help="checkpoint.pt of any round")
    predict.add_argument(
        "--features",
        type=Path,
        metavar="FILE_OR_DIR",
        help="in place of videos one .npy [snippets, features] each: the file, or a folder of them; rgb/ and flow/ "
        "folders; .h5. With videos: the folder to keep their features in, and to take up those that are there",
    )
    predict.add_argument("--out", type=OutputPlace, required=True, metavar="FILE", help="detections to write")
    predict.add_argument(
        "--format",
        choices=("srt", "vtt", "eaf", "label-studio"),
        help="subtitles, ELAN or Label Studio in place of what --out ends in: .json (ActivityNet), .csv, .srt, .vtt or "
        ".eaf; of several videos the last three are files in the folder --out",
    )
    predict.add_argument("--timelines", type=OutputFolder, metavar="DIR", help="folder for a picture of each video")
    predict.add_argument(
        "--overlay",
        type=OutputPlace,
        metavar="FILE_OR_DIR",
        help="the video with scores and segments below it: an .mp4 file, or a folder for one of each video",
    )
    predict.add_argument(
        "--page", type=OutputFolder, metavar="DIR", help="folder for index.html: players, segments to click on"
    )
    predict.add_argument(
        "--settings", type=Path, metavar="FILE", help="detect.json to use in place of what the checkpoint carries"
    )
    predict.add_argument("--weights", type=Path, metavar="FILE", help="of the extractor, where they are not the usual")
    predict.add_argument("--jobs", type=int, default=1, metavar="N", help="videos whose features are made at once")
    predict.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    predict.set_defaults(run=predict_videos)


@dataclass(slots=True)
class _Videos:
    """Where the features of videos are, and which files the videos are, if any were given."""

    features: Path
    files: dict[str, Path] = field(default_factory=dict)  # by the name of the video
    refused: WtalError | None = None  # what is to be said in the end


def predict_videos(options: argparse.Namespace) -> None:
    """A checkpoint and videos or features in, detections and pictures out."""
    from wtal.evaluate.marks.write import form_of, write_marks
    from wtal.localise.detect import detect
    from wtal.training.predict import load_model, predict_scores
    from wtal.training.runtime import device_of

    form = form_of(options.out, options.format)
    _check(options, needs_file=form not in ("srt", "vtt", "eaf"))
    model = load_model(options.checkpoint, device_of(options.device))
    about, settings = model.about, _detection_settings(options, model)
    with _videos(options, about) as videos:
        names, features, axis = _features(videos, about)
        scores = predict_scores(model, names, features)
        found = detect(scores, about.classes, settings, about.snippets_per_second)
        media = {name: path.resolve().as_uri() for name, path in videos.files.items()}
        with saying_written(options.out, options.timelines, options.overlay, options.page):
            write_marks(options.out, found, form, media)
            _show(options, videos, scores, found, about)
    several, classes = ("video" if len(names) == 1 else "videos"), len(set(found.class_index.tolist()))
    rate = f"{about.snippets_per_second:g} snippets per second"
    if axis == "columns":
        print(
            f"arrays read as [features, snippets]: their rows are the {about.feature_size} features of the checkpoint"
        )
    print(f"{len(names)} {several} at {rate}: {len(found)} detections of {classes} of {len(about.classes)} classes")
    for number, name in enumerate(names):
        if not (found.video == number).any():
            print(f"nothing in {name}: no class reaches {settings.proposals.class_threshold:g} or no segment is left")
    if videos.refused is not None:
        raise videos.refused


def _check(options: argparse.Namespace, *, needs_file: bool) -> None:
    """Refuse options that do not go together. Raises InputError."""
    from wtal.base.errors import InputError, require

    require(options.jobs >= 1, "--jobs", "a whole number, 1 or above", options.jobs)
    if not options.videos and options.features is None:
        raise InputError(file="predict", expected="videos, or --features", got="neither")
    if options.out.is_dir() and needs_file:
        raise InputError(file="--out", expected="a file to write", got=f"{options.out}, a folder")
    for name in ("overlay", "page"):
        if getattr(options, name) is not None and not options.videos:
            raise InputError(file=f"--{name}", expected="videos to show", got="features alone")
    if options.page is not None and options.page.is_file():
        raise InputError(file="--page", expected="a folder for index.html", got=f"{options.page}, a file")


def _detection_settings(options: argparse.Namespace, model: TrainedModel) -> DetectSettings:
    """The settings of detection that are given, else those of the checkpoint. Raises InputError."""
    from wtal.base.files import read_json
    from wtal.base.schema import from_mapping
    from wtal.suite.step_settings import DetectSettings

    if options.settings is None:
        return model.detection_settings()
    return from_mapping(DetectSettings, read_json(options.settings), file=options.settings)


@contextmanager
def _videos(options: argparse.Namespace, about: About) -> Iterator[_Videos]:
    """The features that were given, or those of the videos, kept as long as the block lasts or as is asked for."""
    from tempfile import TemporaryDirectory

    if not options.videos:
        yield _Videos(options.features)
    elif options.features is not None:
        yield _extracted(options, about, options.features)
    else:
        with TemporaryDirectory() as folder:
            yield _extracted(options, about, Path(folder))


def _extracted(options: argparse.Namespace, about: About, folder: Path) -> _Videos:
    """The features of the videos, by the extractor of the training. Raises InputError where that is not known."""
    from wtal.base.errors import InputError
    from wtal.base.schema import from_mapping
    from wtal.training.runtime import device_of
    from wtal.video.contract import ExtractSettings
    from wtal.video.decode import load_libraries
    from wtal.video.extract import VIDEOS, videos_below
    from wtal.video.many import ExtractionRequest, extract_those_that_can, jobs_of

    load_libraries()
    if about.origin is None:
        expected = "a checkpoint trained on features of `wtal extract` (for any other: --features in place of videos)"
        raise InputError(file=options.checkpoint, key="about.origin", expected=expected, got="none")
    values = {key: value for key, value in about.origin.items() if key != "weights"}
    settings = from_mapping(
        ExtractSettings, {**values, "precision": about.precision}, file=options.checkpoint, key="about.origin"
    )
    jobs = jobs_of(videos_below(options.videos, VIDEOS), folder)
    request = ExtractionRequest(settings, options.weights, str(device_of(options.device)))
    done, refused = extract_those_that_can(jobs, request, options.jobs)
    if not done and refused is not None:
        raise refused
    return _Videos(folder, {outcome.job.array.stem: outcome.job.video for outcome in done}, refused)


def _features(videos: _Videos, about: About) -> tuple[list[str], list[NDArray[Any]], Axis]:
    """Names, features and axis of the videos that are to be predicted, and of no other that is in their folder."""
    from wtal.data.features.for_prediction import videos_to_predict

    path = videos.features
    if len(videos.files) == 1:
        path = path / f"{next(iter(videos.files))}.npy"
    names, features, axis = videos_to_predict(path, about.feature_size, about.streams, about.origin)
    if not videos.files:
        return names, features, axis
    pairs = [(name, rows) for name, rows in zip(names, features) if name in videos.files]
    return [name for name, _ in pairs], [rows for _, rows in pairs], axis


def _show(options: argparse.Namespace, videos: _Videos, scores: VideoScores, found: Detections, about: About) -> None:
    """Pictures, overlays and the page, as far as they are asked for."""
    import os

    rate = about.snippets_per_second
    if options.timelines is not None:
        from wtal.report.figures.prediction import draw_predictions

        draw_predictions(options.timelines, scores, found, rate)
    if options.overlay is not None:
        _write_overlays(options.overlay, videos, scores, found, rate)
    if options.page is not None:
        from wtal.evaluate.marks.page import write_players

        folder = options.page.resolve()
        media = {name: os.path.relpath(videos.files[name].resolve(), folder) for name in scores.videos}
        seconds = {name: _seconds(scores, number, rate) for number, name in enumerate(scores.videos)}
        write_players(options.page / "index.html", found, media, seconds)


def _seconds(scores: VideoScores, number: int, rate: float) -> float:
    """How long the snippets of a video last."""
    rows = scores.rows(number)
    return float((rows.stop - rows.start) / rate)


def _write_overlays(out: Path, videos: _Videos, scores: VideoScores, found: Detections, rate: float) -> None:
    from wtal.base.errors import InputError
    from wtal.report.figures.prediction import lanes_picture
    from wtal.video.marked.overlay import Lanes, write_overlay

    alone = out.suffix.lower() == ".mp4"
    if alone and len(scores.videos) > 1:
        expected = "a folder, without an ending, for an .mp4 of each video"
        raise InputError(file="--overlay", expected=expected, got=f"{out} for {len(scores.videos)} videos")
    for number, name in enumerate(scores.videos):

        def lanes_of(width: int, number: int = number) -> Lanes:
            return Lanes(*lanes_picture(scores, number, found, rate, width), seconds=_seconds(scores, number, rate))

        write_overlay(videos.files[name], out if alone else out / f"{name}.mp4", lanes_of)
