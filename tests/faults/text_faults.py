"""Faults of text files: JSON, YAML and CSV, and of whatever lies at a path."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from good_inputs import FOUND, TRUTH, Fault, Good

Reader = Callable[[Good, str], list[str]]  # the arguments of a command that reads a file at a path


def _evaluate(good: Good, truth: str, found: str, *more: str) -> list[str]:
    return ["evaluate", "--ground-truth", truth, "--detections", found, *more]


JSON_READERS: dict[str, Reader] = {
    "detections": lambda good, path: _evaluate(good, f"{good / 'gt.json'}", path),
    "ground truth": lambda good, path: _evaluate(good, path, f"{good / 'det.json'}"),
    "class names": lambda good, path: _evaluate(
        good, f"{good / 'gt.json'}", f"{good / 'det.json'}", "--class-names", path
    ),
    "characteristics": lambda good, path: [
        *("diagnose", "--ground-truth", f"{good / 'gt.json'}", "--detections", f"{good / 'det.json'}"),
        *("--characteristics", path),
    ],
    "data settings": lambda good, path: ["prepare", "--settings", path, "--out", "out"],
    "detection settings": lambda good, path: [
        *("detect", "--settings", path, "--data", f"{good / 'data'}"),
        *("--scores", f"{good / 'round0/scores_test.npz'}", "--detections", "d.json", "--rounds", "r.npz"),
    ],
    "round settings": lambda good, path: [
        *("train", "--settings", path, "--data", f"{good / 'data'}", "--seed", "0", "--out", "out")
    ],
    "annotations": lambda good, path: [
        *("new-dataset", "mine", "--features", f"{good / 'features'}", "--annotations", path, "--rate", "1.5"),
        *("--snippets-are", "rows"),
    ],
    "plan of the report": lambda good, path: [
        *("tables", "--report", path, "--data", f"{good / 'run/made-up/data'}"),
        *("--results", f"{good / 'run/made-up'}", "--out", "out"),
    ],
}
YAML_READERS: dict[str, Reader] = {
    "suite": lambda good, path: ["plan", path],
    "manifest": lambda good, path: ["fetch", path, "--into", "out"],
    "method settings": lambda good, path: ["check-method", "rskp", "--settings", path],
}
DEEP = 3000
JSON_TEXTS: dict[str, bytes] = {
    "empty": b"",
    "cut short": b'{"results": {"v1": [',
    "no text": b"\xff\xfe\xfd\x00\x01",
    "zero byte": b'{"a": "\0"}',
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep groups": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep but readable": b'{"results":' + b"[" * 300 + b"]" * 300 + b"}",
    "5,000 digits": b'{"results": ' + b"9" * 5000 + b"}",
    "60 digits": b'{"database": ' + b"9" * 60 + b"}",
    "half a letter": b'{"results": {"\\ud800": []}, "a": "\\udfff"}',
    "key twice": b'{"results": {}, "results": {}, "kind": "a", "kind": "b"}',
    "long key twice": b'{"' + b"k" * 300_000 + b'": 1, "' + b"k" * 300_000 + b'": 2}',
    "a number": b"3",
    "text": b'"text"',
    "null": b"null",
    "a list": b"[1, 2]",
    "unknown long key": b'{"' + b"k" * 300_000 + b'": 1}',
    "long text": b'{"results": "' + b"t" * 300_000 + b'", "database": "' + b"t" * 300_000 + b'"}',
    "two values": b"{} {}",
    "single quotes": b"{'results': {}}",
}
YAML_TEXTS: dict[str, bytes] = {
    "empty": b"",
    "not closed": b"suite: [1, 2",
    "tab": b"suite:\n\tname: 1\n",
    "no text": b"\xff\xff\xff",
    "zero byte": b"suite: \0\n",
    "deep lists": b"suite: " + b"[" * DEEP + b"]" * DEEP,
    "deep but readable": b"suite: " + b"[" * 150 + b"]" * 150,
    "5,000 digits": b"suite: " + b"9" * 5000,
    "bomb": b"a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (97 + k, 97 + k, b", ".join([b"*%c" % (96 + k)] * 10)) for k in range(1, 9)),
    "anchor in itself": b"suite: &a [*a]\n",
    "unknown anchor": b"suite: *nobody\n",
    "list as key": b"? [1, 2]\n: 3\n",
    "group as key": b"{{a: 1}: 2}\n",
    "key twice": b"suite: a\nsuite: b\n",
    "tag of Python": b"suite: !!python/object/apply:os.system [ls]\n",
    "no whole number": b"suite: !!int abc\n",
    "no date": b"suite: 2020-13-45\n",
    "two documents": b"suite: a\n---\nsuite: b\n",
    "a list": b"- 1\n- 2\n",
    "text": b"text\n",
    "long unknown key": b"k" * 900 + b": 1\n",
}


def text_faults() -> Iterator[Fault]:
    """Each faulty text with each reader."""
    for texts, readers, ending in ((JSON_TEXTS, JSON_READERS, "json"), (YAML_TEXTS, YAML_READERS, "yaml")):
        for text_name, content in texts.items():
            for reader_name, reader in readers.items():
                if (text_name, reader_name) not in HARMLESS:
                    yield Fault(f"{reader_name}: {text_name}", _written(content, f"bad.{ending}", reader), "bad.")


HARMLESS = {
    ("60 digits", "class names"),  # a class of a high number
    ("unknown long key", "class names"),  # a class of a very long name
}


def _written(content: bytes, name: str, reader: Reader) -> Callable[[Good, Path], list[str]]:
    def breaks(good: Good, folder: Path) -> list[str]:
        (folder / name).write_bytes(content)
        return reader(good, name)

    return breaks


READERS: dict[str, tuple[Reader, str]] = {
    "detections in JSON": (JSON_READERS["detections"], "bad.json"),
    "detections in CSV": (JSON_READERS["detections"], "bad.csv"),
    "detections in text": (JSON_READERS["detections"], "bad.txt"),
    "detections in a pickle": (JSON_READERS["detections"], "bad.pkl"),
    "ground truth": (JSON_READERS["ground truth"], "bad.csv"),
    "settings": (JSON_READERS["data settings"], "bad.json"),
    "suite": (YAML_READERS["suite"], "bad.yaml"),
    "manifest": (YAML_READERS["manifest"], "bad.yaml"),
    "scores": (
        lambda good, path: [
            *("detect", "--settings", f"{good / 'settings/base/detect.json'}", "--data", f"{good / 'data'}"),
            *("--scores", path, "--detections", "d.json", "--rounds", "r.npz"),
        ],
        "bad.npz",
    ),
    "labels": (lambda good, path: ["label-quality", "--data", f"{good / 'data'}", "--labels", path], "bad.npz"),
    "checkpoint": (
        lambda good, path: [
            *("predict", "--checkpoint", path, "--features", f"{good / 'features/v1.npy'}", "--out", "o.json")
        ],
        "bad.pt",
    ),
    "features": (
        lambda good, path: [
            *("predict", "--checkpoint", f"{good / 'round0/checkpoint.pt'}", "--features", path, "--out", "o.json")
        ],
        "bad.npy",
    ),
    "features in HDF5": (
        lambda good, path: [
            *("predict", "--checkpoint", f"{good / 'round0/checkpoint.pt'}", "--features", path, "--out", "o.json")
        ],
        "bad.h5",
    ),
}


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _nothing(path: Path) -> None:
    path.unlink(missing_ok=True)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


PLACES: dict[str, Callable[[Path], None]] = {
    "named pipe": _pipe,
    "endless device": _device,
    "nothing": _nothing,
    "no bytes": _empty,
    "link to itself": _loop,
}


def path_faults() -> Iterator[Fault]:
    """Each kind of thing at a path that is no file with content, for each reader; and names that break lines."""
    for reader_name, (reader, name) in READERS.items():
        for place_name, make in PLACES.items():
            yield Fault(f"{reader_name}: {place_name}", _placed(make, name, reader), "bad.")
        yield Fault(
            f"{reader_name}: line break in a name", _placed(_empty, f"a\nb{Path(name).suffix}", reader), r"a\\nb"
        )


def _placed(make: Callable[[Path], None], name: str, reader: Reader) -> Callable[[Good, Path], list[str]]:
    def breaks(good: Good, folder: Path) -> list[str]:
        make(folder / name)
        return reader(good, name)

    return breaks


def _row(**changes: object) -> dict[str, object]:
    return {"label": "run", "segment": [1.0, 5.0], "score": 0.9, **changes}


def _results(*rows: object) -> str:
    return json.dumps({"results": {"v1": list(rows), "v2": FOUND["results"]["v2"]}})


def _truth(**changes: object) -> str:
    return json.dumps({"database": {**TRUTH["database"], "v1": {**TRUTH["database"]["v1"], **changes}}})


DETECTIONS: dict[str, str] = {
    "score of text": _results(_row(score="high")),
    "score NaN": '{"results": {"v1": [{"label": "run", "segment": [1, 5], "score": NaN}]}}',
    "score infinite": '{"results": {"v1": [{"label": "run", "segment": [1, 5], "score": 1e999}]}}',
    "score true": _results(_row(score=True)),
    "score null": _results(_row(score=None)),
    "segment reversed": _results(_row(segment=[5, 1])),
    "segment of one": _results(_row(segment=[5])),
    "segment of text": _results(_row(segment="1-5")),
    "label a list": _results(_row(label=["run"])),
    "label missing": _results({"segment": [1, 5], "score": 1}),
    "row a list": _results([1, 2, 3]),
    "label twice": '{"results": {"v1": [{"label": "run", "label": "jump", "segment": [1, 5], "score": 1}]}}',
    "video twice": '{"results": {"v1": [], "v1": [{"label": "run", "segment": [1, 5], "score": 1}]}}',
    "video unknown": json.dumps({"results": {"v" * 300_000: [_row()]}}),
    "class unknown": _results(_row(label="c" * 300_000)),
}
TRUTHS: dict[str, str] = {
    "video twice": '{"database": {"v1": {"annotations": []}, "v1": {"annotations": []}}}',
    "segment reversed": _truth(annotations=[{"label": "run", "segment": [5, 1]}]),
    "segment 400 digits": _truth(annotations=[{"label": "run", "segment": [0, "1" + "0" * 400]}]),
    "segment missing": _truth(annotations=[{"label": "run"}]),
    "label a number": _truth(annotations=[{"label": 3, "segment": [1, 5]}]),
    "annotations a group": _truth(annotations={"label": "run"}),
    "subset a list": _truth(subset=["test"]),
}
TABLES: dict[str, str] = {
    "column twice": "video,label,start,end,score,score\nv1,run,1,5,0.9,0.1\n",
    "column missing": "video,label,start,end\nv1,run,1,5\n",
    "million columns": "video,label,start,end,score," + ",".join(map(str, range(100_000))) + "\n",
    "row too long": "video,label,start,end,score\nv1,run,1,5,0.9,7\n",
    "row too short": "video,label,start,end,score\nv1,run,1\n",
    "field of 200,000": "video,label,start,end,score\n" + "v" * 200_000 + ",run,1,5,0.9\n",
    "end of text": "video,label,start,end,score\nv1,run,1,late,0.9\n",
    "reversed": "video,label,start,end,score\nv1,run,5,1,0.9\n",
    "NaN": "video,label,start,end,score\nv1,run,1,5,nan\n",
    "other digits": "video,label,start,end,score\nv1,run,1,5,٠.٥\n",
    "no row": "video,label,start,end,score\n",
}


def value_faults() -> Iterator[Fault]:
    """Values of the wrong kind, order or range in detections and ground truth."""
    for name, text in DETECTIONS.items():
        yield Fault(f"detections: {name}", _written(text.encode(), "bad.json", JSON_READERS["detections"]), "bad.json")
    for name, text in TRUTHS.items():
        yield Fault(f"ground truth: {name}", _written(text.encode(), "bad.json", JSON_READERS["ground truth"]), "bad")
    for name, text in TABLES.items():
        yield Fault(f"table: {name}", _written(text.encode(), "bad.csv", JSON_READERS["detections"]), "bad.csv")
