"""`wtal new-dataset`: one's own videos, to train on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wtal.cli.video.extract import add_options

if TYPE_CHECKING:
    from wtal.data.user.inspect import Inspection


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command of this stage."""
    _register_new(commands)


def _register_new(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    new = commands.add_parser(
        "new-dataset",
        help="check one's own features and annotations, and write a suite for them",
        description="Check features and annotations video by video, and write config/NAME.yaml and the settings of its "
        "store. Video-level labels alone are enough to train; mAP needs bounds of the test videos.",
    )
    new.add_argument("name", metavar="NAME", help="name of the suite: lower-case letters, digits and -")
    new.add_argument(
        "--features",
        type=Path,
        metavar="DIR",
        help="a folder with one .npy [snippets, features] a video, or rgb/ and flow/ with one each; an .h5 file. With "
        "--videos: the folder to write them to (default: data/NAME/features)",
    )
    new.add_argument(
        "--videos", nargs="+", type=Path, metavar="VIDEO", help="video files, or folders of them, to make features of"
    )
    new.add_argument(
        "--annotations",
        type=Path,
        required=True,
        metavar="FILE",
        help="ActivityNet JSON, CSV with video,label and, where known, start,end (seconds) and subset, or an export of "
        "Label Studio, CVAT, ELAN, BORIS or VIA",
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
    add_options(new.add_argument_group("how features are made, with --videos"))
    new.set_defaults(run=new_dataset)


def new_dataset(options: argparse.Namespace) -> None:
    """Features and annotations in, a suite file and the settings of its store out."""
    import re

    from wtal.base.errors import InputError, require
    from wtal.base.files import to_json, write_text
    from wtal.base.ranges import require_rate
    from wtal.cli.video.new_videos import from_videos
    from wtal.data.convert.convert import collect
    from wtal.data.user.inspect import Request, inspect
    from wtal.data.user.problems import check_problems, told
    from wtal.data.user.suite import suite_of, suite_text
    from wtal.suite.paths import SuitePaths, settings_name
    from wtal.suite.plan import plan_files

    fits = re.fullmatch(r"[a-z0-9][a-z0-9-]*", options.name) is not None
    require(fits, "NAME", "lower-case letters, digits and -", options.name)
    rate = options.rate
    if rate is not None:
        require_rate(rate, "--rate")
    config = Path("config") / f"{options.name}.yaml"
    settings = SuitePaths.of(options.name).settings("data")
    for path in (config, settings.parent.parent):
        if path.exists() and not options.force:
            raise InputError(file=path, expected="nothing there yet, or --force", got="one from before")
    require(options.videos or options.features, "--features", "a path, or --videos", "nothing")
    if options.videos:
        from_videos(options)
    request = Request(
        name=options.name,
        features=str(options.features),
        annotations=str(options.annotations),
        rate=options.rate,
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
