"""Made-up videos written as MP4 files, their features extracted, and both brought into a data set."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.base.files import (
    digest_of_file,
    read_json,
    refused_unwritable,
    remove_unfinished,
    to_json,
    whole_file,
    write_text,
)
from wtal.data.convert.convert import converted_data_set
from wtal.data.convert.settings import FeatureData
from wtal.data.store.write import DataSet
from wtal.video.contract import Extractor, Picture
from wtal.video.many import ExtractionRequest, extract_all, jobs_of
from wtal.video.toy import scene as scene_module
from wtal.video.toy.scene import FRAMES_PER_SECOND, HEIGHT, WIDTH, Scene, pictures_of, scene_of
from wtal.video.toy.settings import ToyVideoData

logger = logging.getLogger(__name__)

SOURCE = "made-up video: shapes drawn by this project; it says nothing about any method on real video"
OPTIONS = {"preset": "veryfast", "crf": "20", "threads": "1"}


def scenes_of(settings: ToyVideoData) -> dict[str, list[Scene]]:
    """The scenes of each subset."""
    counts = {"train": settings.train_videos, "test": settings.test_videos}
    return {
        subset: [
            scene_of(f"{subset}_{number:02d}", settings.seed, number, settings.seconds, settings.noise)
            for number in range(count)
        ]
        for subset, count in counts.items()
    }


def make_videos(settings: ToyVideoData) -> tuple[list[Path], Path]:
    """The MP4 files and their annotations in the folder of the settings, as far as they are not there already.

    Videos of other settings, or drawn by other code, are made anew. Raises InputError where nothing can be written.
    """
    scenes, folder = scenes_of(settings), Path(settings.folder)
    drawn_by = digest_of_file(Path(scene_module.__file__))
    made_with = {
        "seed": settings.seed,
        "seconds": list(settings.seconds),
        "noise": settings.noise,
        "drawn by": drawn_by,
    }
    mark = folder / "videos.json"
    if not mark.is_file() or read_json(mark) != made_with:
        for old in (folder / "videos").glob("*.mp4"):
            old.unlink()
        write_text(mark, to_json(made_with))
    paths = []
    for scene in (scene for own in scenes.values() for scene in own):
        paths.append(folder / "videos" / f"{scene.name}.mp4")
        if not paths[-1].is_file():
            remove_unfinished(paths[-1])
            write_pictures(paths[-1], pictures_of(scene))
    write_text(folder / "annotations.json", to_json({"database": _database(scenes)}))
    return paths, folder / "annotations.json"


def write_pictures(path: Path, pictures: Iterable[Picture]) -> None:
    """Write pictures of the size of scenes as H.264 in MP4, 25 a second; the same ones give the same bytes."""
    import av

    with whole_file(path) as temporary, refused_unwritable(path):  # noqa: SIM117  in this order they end well
        with av.open(str(temporary), "w", format="mp4") as container:
            stream: Any = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=OPTIONS)
            stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())


def _database(scenes: dict[str, list[Scene]]) -> dict[str, Any]:
    return {
        scene.name: {
            "subset": subset,
            "duration": scene.seconds,
            "fps": FRAMES_PER_SECOND,
            "annotations": [{"label": each.label, "segment": [each.start, each.end]} for each in scene.actions],
        }
        for subset, own in scenes.items()
        for scene in own
    }


def toy_data_set(settings: ToyVideoData) -> DataSet:
    """The data set of made-up videos: files, features, and what holds for features of any videos."""
    paths, annotations = make_videos(settings)
    logger.info(f"note: {len(paths)} made-up videos in {settings.folder}; no benchmark")
    extraction, features = settings.extraction, Path(settings.folder) / "features"
    wanted = {path.stem for path in paths}
    for old in features.glob("*.npy"):
        if old.stem not in wanted:
            old.unlink()
    extract_all(jobs_of(paths, features), ExtractionRequest(extraction, None, "cpu"), settings.jobs)
    extractor = extraction.extractor
    if not isinstance(extractor, Extractor):
        raise InputError(file=settings.kind, key="extraction", expected="an extractor", got=repr(extractor))
    converted = FeatureData(
        name="toy video",
        features=str(features),
        annotations=str(annotations),
        snippets_per_second=extraction.snippets_per_second,
        feature_size=extractor.columns,
        streams=extractor.streams,
        alignment="warn",
    )
    made = converted_data_set(converted, lambda sentence: None)
    return replace(made, source=SOURCE, licence="MIT", citation="none: made-up video")
