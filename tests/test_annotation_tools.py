"""Exports of annotation tools are read into the same instances, or refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wtal.base.errors import InputError
from wtal.cli import main
from wtal.data.annotations.read import read_annotations

INSTANCES = (("jump", 1.0, 2.5), ("run", 3.0, 4.0))  # of the video "clip 1", at 20 frames a second

ELAN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds">
<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/films/clip%201.mp4" MIME_TYPE="video/mp4"/></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="2500"/>
<TIME_SLOT TIME_SLOT_ID="c" TIME_VALUE="3000"/><TIME_SLOT TIME_SLOT_ID="d" TIME_VALUE="4000"/></TIME_ORDER>
<TIER TIER_ID="actions"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="1" TIME_SLOT_REF1="a" TIME_SLOT_REF2="b">
<ANNOTATION_VALUE>jump</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="run"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="2" TIME_SLOT_REF1="c" TIME_SLOT_REF2="d">
<ANNOTATION_VALUE></ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"""

CVAT = """<annotations><version>1.1</version><meta><task><id>1</id><name>t</name><size>80</size>
<source>clip 1.mp4</source></task></meta>
<track id="0" label="jump"><box frame="20" outside="0"/><box frame="30" outside="0"/>
<box frame="50" outside="1"/></track>
<track id="1" label="run"><box frame="60" outside="0"/></track></annotations>"""

CVAT_TAGS = """<annotations><version>1.1</version><meta><task><id>1</id><name>t</name><size>40</size>
<start_frame>0</start_frame><frame_filter>step=2</frame_filter><source>clip 1.mp4</source></task></meta>
{}</annotations>"""


def elan(folder: Path) -> Path:
    (folder / "a.eaf").write_text(ELAN)
    return folder / "a.eaf"


def folder_of_elan(folder: Path) -> Path:
    return elan(folder).parent


def cvat(folder: Path) -> Path:
    (folder / "a.xml").write_text(CVAT)
    return folder / "a.xml"


def cvat_tags(folder: Path) -> Path:
    images = [(frame, "jump") for frame in range(10, 25)] + [(frame, "run") for frame in range(30, 40)]
    texts = [f'<image id="{frame}" name="f"><tag label="{label}"/></image>' for frame, label in images]
    (folder / "a.xml").write_text(CVAT_TAGS.format("".join(texts)))
    return folder / "a.xml"


def as_json(folder: Path, values: Any, name: str = "a.json") -> Path:
    (folder / name).write_text(json.dumps(values))
    return folder / name


def label_studio(folder: Path) -> Path:
    rows = [
        {"type": "timelinelabels", "value": {"ranges": [{"start": 21, "end": 50}], "timelinelabels": ["jump"]}},
        {"type": "labels", "value": {"start": 3.0, "end": 4.0, "labels": ["run"]}},
    ]
    data = {"video": "/data/upload/1/0a1b2c3d-clip 1.mp4"}
    done = {"data": data, "annotations": [{"was_cancelled": False, "result": rows}]}
    return as_json(folder, [done, {"data": {"video": "other.mp4"}, "annotations": []}])


BORIS = {
    "behaviors_conf": {"0": {"code": "jump", "type": "State event"}, "1": {"code": "run", "type": "State event"}},
    "observations": {
        "one": {
            "file": {"1": ["films/clip 1.mp4"], "2": []},
            "media_info": {"length": {"films/clip 1.mp4": 5.0}},
            "events": [
                [1.0, "", "jump", "", ""],
                [2.5, "", "jump", "", ""],
                [3, "", "run", "", ""],
                [4, "", "run", "", ""],
            ],
        }
    },
}


def boris(folder: Path) -> Path:
    return as_json(folder, BORIS, "a.boris")


def boris_table(folder: Path) -> Path:
    head = "Observation id,Media file name,Subject,Behavior,Behavior type,Start (s),Stop (s),Duration (s)\n"
    rows = "".join(
        f"one,films/clip 1.mp4,,{label},STATE,{start},{end},{end - start}\n" for label, start, end in INSTANCES
    )
    (folder / "a.csv").write_text(head + rows)
    return folder / "a.csv"


def via(folder: Path) -> Path:
    values = {
        "attribute": {"1": {"aname": "action", "options": {"0": "jump", "1": "run"}}},
        "file": {"7": {"fid": "7", "fname": "clip 1.mp4"}},
        "view": {"3": {"fid_list": ["7"]}},
        "metadata": {
            f"3_{number}": {"vid": "3", "z": [start, end], "xy": [], "av": {"1": str(number)}}
            for number, (_, start, end) in enumerate(INSTANCES)
        },
    }
    return as_json(folder, values)


TOOLS = [elan, folder_of_elan, cvat, cvat_tags, label_studio, boris, boris_table, via]


@pytest.mark.parametrize("write", TOOLS, ids=lambda write: write.__name__)
def test_an_export_holds_the_instances_that_were_marked(write: Callable[[Path], Path], tmp_path: Path) -> None:
    (video,) = read_annotations(write(tmp_path), 20.0).videos
    assert video.name == "clip 1"
    assert tuple(sorted(video.instances)) == INSTANCES


@pytest.mark.parametrize("write", [cvat, cvat_tags, label_studio], ids=lambda write: write.__name__)
def test_bounds_in_frames_are_refused_where_nobody_says_the_rate(write: Callable[[Path], Path], tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(
        InputError, match=r"clip 1: expected frames a second, since its bounds are frames \(.* got none"
    ):
        read_annotations(path)
    (video,) = read_annotations(path, {"clip 1": 20.0, "else": 7.0}).videos
    assert tuple(sorted(video.instances)) == INSTANCES


def test_choices_and_point_events_are_labels_of_the_whole_video(tmp_path: Path) -> None:
    chosen = {"type": "choices", "value": {"choices": ["jump"]}}
    task = {"data": {"video": "clip.mp4"}, "annotations": [{"result": [chosen]}]}
    (video,) = read_annotations(as_json(tmp_path, [task])).videos
    assert (video.name, video.instances, video.listed) == ("clip", (), ("jump",))
    behaviours = {"0": {"code": "jump", "type": "Point event"}, "1": {"code": "run", "type": "State event"}}
    found = read_annotations(as_json(tmp_path, {**BORIS, "behaviors_conf": behaviours}))
    assert found.videos[0].listed == ("run", "jump")
    assert found.notes == ("point events have no bounds, and are read as labels of the whole video",)


BROKEN: dict[str, tuple[str, str, str]] = {
    "XML of something else": ("a.xml", "<svg/>", "expected XML of ELAN or CVAT; got <svg>"),
    "XML that ends early": ("a.eaf", ELAN[:400], "expected XML; got"),
    "entities": (
        "a.xml",
        '<!DOCTYPE a [<!ENTITY b "c">]><a/>',
        "expected XML without entities of its own; got <!ENTITY",
    ),
    "a slot without a time": ("a.eaf", ELAN.replace('TIME_VALUE="1000"', ""), "expected a slot with a time; got ''"),
    "a track without a frame": ("a.xml", CVAT.replace('frame="20"', ""), "box/frame: expected the number of a frame"),
    "a state that is never left": (
        "a.boris",
        json.dumps(BORIS).replace(', [4, "", "run", "", ""]', ""),
        "observations/one: expected an end of each state; got none of run from 3 s on",
    ),
    "half an export": (
        "a.json",
        json.dumps({"attribute": {}, "file": {}, "view": {"1": None}, "metadata": {}}),
        "expected a whole export of its tool; got something else",
    ),
    "no task that was done": (
        "a.json",
        '[{"data": {"video": "x.mp4"}}]',
        "expected a video that was annotated; got none",
    ),
}


@pytest.mark.parametrize("case", list(BROKEN))
def test_a_broken_export_is_refused_in_a_sentence(case: str, tmp_path: Path) -> None:
    name, text, sentence = BROKEN[case]
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as refused:
        read_annotations(tmp_path / name, 20.0)
    assert sentence in str(refused.value)


def test_convert_annotations_writes_the_same_in_seconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert main(["convert-annotations", str(cvat(tmp_path)), "--frame-rate", "20", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == f"{out}: 1 videos, 2 instances of 2 classes"
    assert tuple(sorted(read_annotations(out).videos[0].instances)) == INSTANCES
    assert main(["convert-annotations", str(cvat(tmp_path)), "--out", str(out), "--frame-rate", "0"]) == 2
    assert "--frame-rate: expected frames a second, above 0; got 0.0" in capsys.readouterr().err
