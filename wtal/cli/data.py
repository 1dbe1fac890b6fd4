"""`wtal fetch`, `prepare`, `check-data`, `convert-annotations`: files of a data set, its store, whether it is whole."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wtal.base.edges.outputs import OutputFile, OutputFolder
from wtal.base.errors import InputError

if TYPE_CHECKING:
    from wtal.data.convert.settings import FeatureData


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    fetch = commands.add_parser(
        "fetch",
        help="fetch and verify the files of a data set",
        description="Fetch the files that a data set's manifest names, from its sources in order, and hold each "
        "against its sha256; broken downloads go on where they ended. What cannot be had is listed with the place "
        "where to put it.",
    )
    names = "hapt, shrec21, swimming, thumos14, activitynet12, activitynet13, or a manifest's path (.yaml)"
    fetch.add_argument("dataset", metavar="DATASET", help=names)
    fetch.add_argument("--into", type=OutputFolder, help="folder to put the files in (default: data/DATASET)")
    fetch.add_argument("--mirror", metavar="DIR_OR_URL", help="asked first; holds DATASET/FILE")
    fetch.add_argument("--from", dest="by_hand", type=Path, metavar="DIR", help="folder of files fetched by hand")
    accept = "take files of --from whose sha256 is another than stated, and record that they are not the published ones"
    fetch.add_argument("--accept-other-sums", action="store_true", help=accept)
    parts = ["annotations", "features", "recordings", "diagnosis"]
    fetch.add_argument("--only", choices=parts, help="this part of the files alone")
    fetch.set_defaults(run=fetch_files)
    prepare = commands.add_parser(
        "prepare",
        help="write the feature store of a data set",
        description="Write features, weak labels and annotations of a data set as a feature store: all of it or "
        "nothing. The same settings always give the same bytes. Features that were being read when it was killed, or "
        "when one of them was refused, are taken up where it was.",
    )
    prepare.add_argument("--settings", type=Path, required=True, help="data settings, such as settings/data.json")
    prepare.add_argument(
        "--out", type=OutputFolder, required=True, help="folder of the store, such as results/hapt/data"
    )
    often = "how often the state of a conversion is saved"
    prepare.add_argument("--resume-every", type=float, default=5.0, metavar="SECONDS", help=often)
    prepare.set_defaults(run=prepare_store)
    check = commands.add_parser(
        "check-data",
        help="say whether features and annotations fit together, or whether a store is whole",
        description="With DATASET: hold features, durations and annotations against one another, video by video, and "
        "end with a verdict; without features, the annotations alone. With --data: read every file of a feature store "
        "whole, hold each against its sha256, and print clips, segments, classes and the share of background.",
    )
    where = "a suite with `kind: features` data: thumos14 for config/thumos14.yaml, or a path to it or to data.json"
    check.add_argument("dataset", metavar="DATASET", nargs="?", help=where)
    check.add_argument("--data", type=Path, help="folder of a store, such as results/hapt/data")
    check.add_argument("--annotations", help="other annotations than the suite names; its lock is left alone")
    check.add_argument("--features", help="other features than the suite names; its lock is left alone")
    check.add_argument("--shapes-only", action="store_true", help="do not read the numbers, their shapes alone")
    check.add_argument("--remarks-only", action="store_true", help="list only videos with a remark")
    check.set_defaults(run=check_data)
    _register_pulled(commands)
    _register_annotations(commands)


def _register_pulled(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    pulled = commands.add_parser(
        "check-pulled",
        help="hold results that DVC brought against the digests that it recorded",
        description="Hold every file that DVC keeps of a suite against its md5 in dvc.lock: `dvc pull` takes what a "
        "remote or its cache has on trust. What is damaged is named and removed, from DVC's cache too, so that the "
        "next pull fetches it anew. `make pull` does this.",
    )
    pulled.add_argument("suites", metavar="SUITE", nargs="+", help="a stage of dvc.yaml, such as hapt")
    pulled.add_argument("--cache", type=Path, default=Path(".dvc/cache"), help="DVC's (default: .dvc/cache)")
    only = "look at DVC's cache alone, as after a pull that failed, and name what it could not get"
    pulled.add_argument("--only-cache", action="store_true", help=only)
    pulled.set_defaults(run=check_pulled_results)


def _register_annotations(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    convert = commands.add_parser(
        "convert-annotations",
        help="annotations of Label Studio, CVAT, ELAN, BORIS or VIA, or any other form, as ActivityNet JSON",
        description="Read annotations in whichever form they are and write them as ActivityNet's JSON, in seconds. "
        "CVAT, and the time line of Label Studio, count frames: say how many there are in a second.",
    )
    convert.add_argument("annotations", type=Path, metavar="FILE_OR_DIR", help="an export, or a folder of .eaf or .xml")
    convert.add_argument(
        "--frame-rate", type=float, metavar="FRAMES_PER_SECOND", help="of videos whose bounds are frames"
    )
    convert.add_argument("--out", type=OutputFile, required=True, metavar="FILE", help="annotations to write, .json")
    convert.set_defaults(run=convert_annotations)


def fetch_files(options: argparse.Namespace) -> None:
    """A manifest in, verified files out; what cannot be had is told in one message."""
    from wtal.data.fetch.fetch import FetchRequest, fetch
    from wtal.data.fetch.manifest import read_manifest

    manifest = read_manifest(options.dataset)
    into = options.into or Path("data") / manifest.dataset
    accepts = options.accept_other_sums
    if accepts and options.by_hand is None:
        raise InputError(file="fetch", key="--accept-other-sums", expected="--from DIR beside it", got="none")
    request = FetchRequest(
        manifest,
        into,
        mirror=options.mirror,
        by_hand=options.by_hand,
        only=options.only,
        accept_other_sums=accepts,
    )
    for line in fetch(request):
        print(line)


def check_pulled_results(options: argparse.Namespace) -> None:
    """Digests of dvc.lock in, a verdict out."""
    from wtal.data.fetch.pulled import check_pulled

    found = check_pulled(Path(), options.cache, options.suites, only_cache=options.only_cache)
    found.refuse()
    if not options.only_cache:
        print(f"{found.n_whole} files of {', '.join(options.suites)}, each with the md5 that dvc.lock records")


def prepare_store(options: argparse.Namespace) -> None:
    """Settings in, a whole store out."""
    from wtal.data.kinds.prepare import prepare, read_data_settings

    store = prepare(read_data_settings(options.settings), options.out, resume_every=options.resume_every)
    print(f"{options.out}: {store.meta.dataset}, {len(store.names)} clips, {len(store.classes)} classes")


def check_data(options: argparse.Namespace) -> None:
    """A data set or a store is read whole; the verdict is the last line."""
    if (options.dataset is None) == (options.data is None):
        raise InputError(file="check-data", expected="either DATASET or --data DIR", got="both or none")
    if options.dataset is not None:
        _check_alignment(options)
        return
    from wtal.data.kinds.prepare import store_summary
    from wtal.data.store.read import read_store

    for line in store_summary(read_store(options.data, verify=True)):
        print(line)
    print("verdict         whole: every file has its sha256, every feature is finite")


def convert_annotations(options: argparse.Namespace) -> None:
    """Annotations in, the same as ActivityNet's JSON out."""
    import math

    from wtal.base.errors import require
    from wtal.data.annotations.read import classes_of, read_annotations
    from wtal.data.annotations.write import write_annotations

    rate = options.frame_rate
    require(rate is None or (math.isfinite(rate) and rate > 0), "--frame-rate", "frames a second, above 0", rate)
    found = read_annotations(options.annotations, rate)
    write_annotations(options.out, found)
    n_instances = sum(len(video.instances) for video in found.videos)
    n_classes = len({name for video in found.videos for name in classes_of(video)})
    print(f"{options.out}: {len(found.videos)} videos, {n_instances} instances of {n_classes} classes")
    for note in found.notes:
        print(f"  {note}")


def _check_alignment(options: argparse.Namespace) -> None:
    from wtal.data.convert.alignment_report import alignment_report

    settings = _feature_data(options.dataset)
    for key in ("annotations", "features"):
        if getattr(options, key) is not None:  # other files are not what the lock of the data set is about
            settings = replace(settings, **{key: getattr(options, key)}, lock=None)
    reads, remarks_only = not options.shapes_only, options.remarks_only
    intervals = _ambiguous(Path(settings.annotations))
    report = alignment_report(settings, intervals, reads=reads, remarks_only=remarks_only)
    for line in report.lines:
        print(line)
    if report.problem is not None:
        raise InputError(file=settings.name, expected="features that fit the annotations", got=report.problem)


def _feature_data(dataset: str) -> FeatureData:
    """The data settings of a suite, by its name or path. Raises InputError where its features come from elsewhere."""
    from wtal.data.convert.settings import FeatureData
    from wtal.data.kinds.prepare import read_data_settings
    from wtal.suite.plan import read_suite

    path = Path(dataset)
    if path.suffix == ".json":
        settings = read_data_settings(path)
    else:
        settings = read_suite(
            path if path.suffix in (".yaml", ".yml") else Path("config") / f"{dataset}.yaml"
        ).file.dataset
    if not isinstance(settings, FeatureData):
        expected = "a suite whose data are of kind features (for a store: --data DIR)"
        raise InputError(file=dataset, key="kind", expected=expected, got=settings.kind)
    return settings


def _ambiguous(annotations: Path) -> dict[str, list[tuple[float, float]]]:
    """The ambiguous intervals beside annotations, by video; none where there is no such file."""
    from wtal.evaluate.read.ground_truth import read_ambiguous

    by_video: dict[str, list[tuple[float, float]]] = {}
    for path in sorted(annotations.glob("Ambiguous*.txt")) if annotations.is_dir() else []:
        found = read_ambiguous(path)
        for video, start, end in zip(found.video, found.start.tolist(), found.end.tolist()):
            by_video.setdefault(video, []).append((start, end))
    return by_video
