"""`wtal new-dataset` and `wtal predict`: one's own videos, to train on and to find actions in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wtal.data.user.inspect import Inspection


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    _register_new(commands)
    predict = commands.add_parser(
        "predict",
        help="detections of videos to predict from a trained checkpoint",
        description="Detections of videos that nobody annotated. The checkpoint says which classes, features and "
        "settings it was trained with; the features must be made and scaled as those of the training were.",
    )
    predict.add_argument("--checkpoint", type=Path, required=True, metavar="FILE", help="checkpoint.pt of any round")
    predict.add_argument(
        "--features",
        type=Path,
        required=True,
        metavar="FILE_OR_DIR",
        help="one .npy [snippets, features] a video: the file, or a folder of them; rgb/ and flow/ folders; .h5",
    )
    predict.add_argument("--out", type=Path, required=True, metavar="FILE", help="detections to write")
    predict.add_argument(
        "--format",
        choices=("srt", "vtt", "eaf", "label-studio"),
        help="subtitles, ELAN or Label Studio in place of what --out ends in: .json (ActivityNet), .csv, .srt, .vtt or "
        ".eaf; of several videos the last three are files in the folder --out",
    )
    predict.add_argument("--timelines", type=Path, metavar="DIR", help="folder for a picture of each video")
    predict.add_argument(
        "--settings", type=Path, metavar="FILE", help="detect.json to use in place of what the checkpoint carries"
    )
    predict.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    predict.set_defaults(run=predict_videos)


def _register_new(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    new = commands.add_parser(
        "new-dataset",
        help="check one's own features and annotations and write a suite for them",
        description="Check features and annotations video by video, and write config/NAME.yaml and the settings of its "
        "store. Video-level labels alone are enough to train; mAP needs bounds of the test videos.",
    )
    new.add_argument("name", metavar="NAME", help="name of the suite: lower-case letters, digits and -")
    new.add_argument(
        "--features",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder with one .npy [snippets, features] a video, or rgb/ and flow/ with one each; an .h5 file",
    )
    new.add_argument(
        "--annotations",
        type=Path,
        required=True,
        metavar="FILE",
        help="ActivityNet JSON, or CSV with video,label and, where known, start,end (seconds) and subset",
    )
    new.add_argument("--rate", type=float, metavar="SNIPPETS_PER_SECOND", help="default: from the videos' durations")
    new.add_argument("--train-subset", metavar="NAME", help="default: train or training")
    new.add_argument("--test-subset", metavar="NAME", help="default: test, testing, validation or val, with bounds")
    new.add_argument("--keep-past-end", action="store_true", help="keep annotations past the end of their video")
    new.add_argument("--ignore-missing", action="store_true", help="leave videos without features out, and list them")
    new.add_argument(
        "--snippets-are",
        choices=("rows", "columns"),
        help="of each array; needed only where its shape leaves two readings (default: where the other axis agrees)",
    )
    new.add_argument("--force", action="store_true", help="replace the files of an earlier data set of this name")
    new.set_defaults(run=new_dataset)


def new_dataset(options: argparse.Namespace) -> None:
    """Features and annotations in, a suite file and the settings of its store out."""
    import math
    import re

    from wtal.base.errors import InputError, require
    from wtal.base.files import to_json, write_text
    from wtal.data.convert.convert import collect
    from wtal.data.user.inspect import Request, inspect
    from wtal.data.user.problems import check_problems, told
    from wtal.data.user.suite import suite_of, suite_text
    from wtal.suite.paths import SuitePaths, settings_name
    from wtal.suite.plan import plan_files

    fits = re.fullmatch(r"[a-z0-9][a-z0-9-]*", options.name) is not None
    require(fits, "NAME", "lower-case letters, digits and -", options.name)
    rate = options.rate
    require(rate is None or (math.isfinite(rate) and rate > 0), "--rate", "snippets per second, above 0", rate)
    config = Path("config") / f"{options.name}.yaml"
    settings = SuitePaths.of(options.name).settings("data")
    for path in (config, settings.parent.parent):
        if path.exists() and not options.force:
            raise InputError(file=path, expected="nothing there yet, or --force", got="one from before")
    request = Request(
        name=options.name,
        features=str(options.features),
        annotations=str(options.annotations),
        rate=rate,
        train_subset=options.train_subset,
        test_subset=options.test_subset,
        keeps_past_end=options.keep_past_end,
        ignores_missing=options.ignore_missing,
        snippets_are=options.snippets_are,
    )
    found = inspect(request)
    check_problems(found)
    collect(found.settings, tell=lambda sentence: None)
    text = suite_text(found)
    files = plan_files(suite_of(text, str(config)))
    write_text(config, text)
    write_text(settings, to_json(files[settings_name("data")]))
    left_out = _write_left_out(settings.with_name("missing-features.txt"), found.left_out)
    for line in (*_summary(found), *left_out, *told(found.notes), *_next_steps(found, config)):
        print(line)


def _write_left_out(path: Path, names: tuple[str, ...]) -> list[str]:
    """A file with the videos without features, one a line, and a line that says so; no file where there are none."""
    from wtal.base.files import write_text

    if not names:
        path.unlink(missing_ok=True)
        return []
    write_text(path, "".join(f"{name}\n" for name in names))
    videos = "1 video" if len(names) == 1 else f"{len(names)} videos"
    return [f"{'left out':<12}{videos} without features, all named in {path}"]


def _summary(found: Inspection) -> list[str]:
    source = "derived from the durations" if found.rate_is_derived else "as given"
    lines = []
    for subset in ("train", "test"):
        own = [video for video, name in found.videos if name == subset]
        timed = [len(video.instances) for video in own if video.instances]
        bounds = f"{sum(timed)} instances in {len(timed)} of them" if timed else "with video-level labels alone"
        lines.append(f"{subset:<12}{len(own)} videos, {bounds}")
    return [
        *lines,
        f"{'classes':<12}{len(found.classes)}: {', '.join(found.classes[:8])}{', ...' if found.classes[8:] else ''}",
        f"{'snippets':<12}{found.n_snippets} of {found.feature_size} features",
        f"{'rate':<12}{found.rate:g} snippets per second, {source}",
    ]


def _next_steps(found: Inspection, config: Path) -> list[str]:
    from wtal.suite.paths import DETECTIONS, SuitePaths

    command, paths = f"snakemake --cores all --use-conda --configfile {config}", SuitePaths.of(found.request.name)
    written = f"written     {config} and {paths.settings('data')}"
    if found.can_evaluate:
        return [written, f"next        {command}"]
    wanted = paths.run("optimised", 0) / DETECTIONS
    return [
        written,
        "no mAP      the test videos have no bounds, so nothing can be scored; train and detect alone:",
        f"next        {command.replace('snakemake', f'snakemake {wanted}')}",
    ]


def predict_videos(options: argparse.Namespace) -> None:
    """A checkpoint and features in, detections and pictures out."""
    from wtal.base.errors import InputError
    from wtal.base.files import read_json
    from wtal.base.schema import from_mapping
    from wtal.data.features.for_prediction import videos_to_predict
    from wtal.evaluate.marks.write import form_of, write_marks
    from wtal.localise.detect import detect
    from wtal.suite.step_settings import DetectSettings
    from wtal.training.predict import load_model, predict_scores
    from wtal.training.runtime import device_of

    form = form_of(options.out, options.format)
    if options.out.is_dir() and form not in ("srt", "vtt", "eaf"):
        raise InputError(file="--out", expected="a file to write", got=f"{options.out}, a folder")
    model = load_model(options.checkpoint, device_of(options.device))
    about = model.about
    if options.settings is None:
        settings = model.detection_settings()
    else:
        settings = from_mapping(DetectSettings, read_json(options.settings), file=options.settings)
    names, features, axis = videos_to_predict(options.features, about.feature_size, about.streams, about.origin)
    scores = predict_scores(model, names, features)
    found = detect(scores, about.classes, settings, about.snippets_per_second)
    write_marks(options.out, found, form)
    if options.timelines is not None:
        from wtal.report.figures.prediction import draw_predictions

        draw_predictions(options.timelines, scores, found, about.snippets_per_second)
    videos, detections = ("video" if len(names) == 1 else "videos"), len(found)
    classes = len(set(found.class_index.tolist()))
    rate = f"{about.snippets_per_second:g} snippets per second"
    if axis == "columns":
        print(
            f"arrays read as [features, snippets]: their rows are the {about.feature_size} features of the checkpoint"
        )
    print(f"{len(names)} {videos} at {rate}: {detections} detections of {classes} of {len(about.classes)} classes")
    for number, name in enumerate(names):
        if not (found.video == number).any():
            print(f"nothing in {name}: no class reaches {settings.proposals.class_threshold:g} or no segment is left")
