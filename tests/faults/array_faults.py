"""Faults of archives of arrays (scores, labels, rounds), of features, and of checkpoints."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from good_inputs import Fault, Good, detect

from wtal.base.files import read_arrays, write_arrays
from wtal.training.checkpoint import read_checkpoint, write_checkpoint

Arrays = dict[str, Any]
Change = Callable[[Arrays], None]


def put(key: str, make: Callable[[np.ndarray], Any]) -> Change:
    """Replace an array by what is made of it."""

    def change(arrays: Arrays) -> None:
        arrays[key] = make(arrays[key])

    return change


def first(value: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The same with another first value."""

    def make(array: np.ndarray) -> np.ndarray:
        changed = np.array(array)
        changed.reshape(-1)[0] = value
        return changed

    return make


def kinds_of(key: str) -> dict[str, Change]:
    """An array of every kind that none of a run is of."""
    structured = np.dtype([("a", "f4"), ("b", "f4")])
    return {
        f"{key} missing": lambda arrays: arrays.__delitem__(key),
        f"{key} complex": put(key, lambda array: _numbers(array).astype(np.complex64)),
        f"{key} text": put(key, lambda array: np.full(array.shape, "x")),
        f"{key} dates": put(key, lambda array: np.zeros(array.shape, "datetime64[s]")),
        f"{key} structured": put(key, lambda array: np.zeros(array.shape, structured)),
        f"{key} bytes": put(key, lambda array: np.full(array.shape, b"x")),
        f"{key} truth values": put(key, lambda array: np.zeros(array.shape, bool)),
        f"{key} zero-dimensional": put(key, lambda array: np.array(3)),
        f"{key} of another shape": put(key, lambda array: np.concatenate([np.atleast_1d(array)] * 2)),
    }


def _numbers(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "fiu" else np.zeros(array.shape)


def _swapped(names: np.ndarray) -> np.ndarray:
    return names[::-1].copy()


NAMES: dict[str, Change] = {
    "videos swapped": put("videos", _swapped),
    "videos unknown": put("videos", first("nobody")),
    "videos twice": put("videos", lambda names: np.full(names.shape, names[0])),
    "classes swapped": put("classes", _swapped),
    "classes twice": put("classes", lambda names: np.full(names.shape, names[0])),
    "classes one less": put("classes", lambda names: names[:-1]),
    "a video of 300,000 letters": put("videos", lambda names: np.array(["v" * 300_000, *names[1:]])),
}
OFFSETS: dict[str, Change] = {
    "offsets falling": put("offsets", _swapped),
    "offsets from 5": put("offsets", first(5)),
    "offsets NaN": put("offsets", lambda array: first(np.nan)(array.astype(float))),
    "offsets fractional": put("offsets", lambda array: array + 0.5),
    "offsets repeated": put("offsets", lambda array: np.concatenate([[0, 0], array[2:]])),
    "offsets one less": put("offsets", lambda array: array[:-1]),
    "offsets as numbers with points": put("offsets", lambda array: array.astype(float)),
    "offsets beyond the rows": put("offsets", lambda array: array * 1000),
}
SCORES: dict[str, Change] = {
    **NAMES,
    **OFFSETS,
    **kinds_of("snippet_score"),
    **kinds_of("videos"),
    "score NaN": put("snippet_score", first(np.nan)),
    "score infinite": put("video_score", first(np.inf)),
    "score 2": put("snippet_score", first(2)),
    "attention -1": put("attention", first(-1)),
    "attention in columns": put("attention", lambda array: array[:, None]),
}
SCORES.pop("videos truth values", None)
LABELS: dict[str, Change] = {
    **NAMES,
    **OFFSETS,
    **kinds_of("label"),
    "label NaN": put("label", first(np.nan)),
    "weight below 0": put("weight", first(-1)),
    "segment reversed": put("instance_end", lambda array: array * 0 - 1),
    "segment of no video": put("instance_video", first(999)),
    "segment of a fraction of a video": put("instance_video", lambda array: array + 0.5),
    "segment of no class": put("instance_class", first(-1)),
    "segments out of order": put("instance_video", _swapped),
    "segment starts NaN": put("instance_start", first(np.nan)),
    "score complex": put("instance_score", lambda array: array.astype(complex)),
    "status 7": put("status", first(7)),
    "target unknown": put("target", lambda array: np.array("else")),
    "kind a number": put("kind", lambda array: np.array(3)),
}
ROUNDS: dict[str, Change] = {
    **NAMES,
    "round -1": put("round", first(-1)),
    "round huge": put("round", lambda array: array + 10**12),
    "round fractional": put("round", lambda array: array + 0.5),
    "rounds out of order": put("round", lambda array: np.arange(len(array))[::-1].copy()),
    "segment reversed": put("end", lambda array: array * 0 - 1),
    "start NaN": put("start", first(np.nan)),
    "score complex": put("score", lambda array: array.astype(complex)),
    "score NaN": put("score", first(np.nan)),
    "video text": put("video", lambda array: array.astype(str)),
    "video of no number": put("video", first(10**6)),
    "label -1": put("label", first(-1)),
    "label fractional": put("label", lambda array: array + 0.25),
    "start one less": put("start", lambda array: array[:-1]),
}


def _with_scores(good: Good, folder: Path) -> list[str]:
    return detect(good, Path("bad.npz"), Path())


def _with_labels(good: Good, folder: Path) -> list[str]:
    return ["label-quality", "--data", f"{good / 'data'}", "--labels", "bad.npz"]


def _with_rounds(good: Good, folder: Path) -> list[str]:
    settings = [f"{good / 'settings/base/evaluate.json'}", f"{good / 'settings/base/detect.json'}"]
    return [
        *("evaluate-run", "--settings", *settings, "--detections-of-rounds", "bad.npz"),
        *("--data", f"{good / 'data'}", "--scores", f"{good / 'round0/scores_test.npz'}"),
        *("--variant", "base", "--seed", "0", "--out", "metrics.json"),
    ]


def array_faults() -> Iterator[Fault]:
    """Each change of each kind of archive, and archives that are damaged as such."""
    for what, source, changes, command in (
        ("scores", "round0/scores_test.npz", SCORES, _with_scores),
        ("labels", "labels.npz", LABELS, _with_labels),
        ("rounds", "rounds.npz", ROUNDS, _with_rounds),
    ):
        for name, change in changes.items():
            yield Fault(f"{what}: {name}", _changed(source, change, command), r"bad\.npz")
        for name, damage in DAMAGE.items():
            yield Fault(f"{what}: {name}", _damaged(source, damage, command), r"bad\.npz")


def _changed(source: str, change: Change, command: Callable[[Good, Path], list[str]]) -> Any:
    def breaks(good: Good, folder: Path) -> list[str]:
        arrays = read_arrays(good / source)
        change(arrays)
        write_arrays(folder / "bad.npz", arrays)
        return command(good, folder)

    return breaks


def _damaged(source: str, damage: Callable[[bytes], bytes], command: Callable[[Good, Path], list[str]]) -> Any:
    def breaks(good: Good, folder: Path) -> list[str]:
        (folder / "bad.npz").write_bytes(damage((good / source).read_bytes()))
        return command(good, folder)

    return breaks


def flipped(content: bytes, place: float) -> bytes:
    """The same but for one bit, at a share of the length."""
    index = int(place * (len(content) - 1))
    return content[:index] + bytes([content[index] ^ 16]) + content[index + 1 :]


def _bomb(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("videos", "classes", "offsets", "round", "label"):
            with archive.open(f"{name}.npy", "w") as member:
                shape = {"descr": "<U40", "fortran_order": False, "shape": (10**9,)}
                np.lib.format.write_array_header_1_0(member, shape)
                member.write(bytes(1 << 22))
    return buffer.getvalue()


def _objects(content: bytes) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, videos=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def _twice(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("videos.npy", b"a")
        archive.getinfo("videos.npy").filename = "classes.npy"
        archive.writestr("classes.npy", b"b")
    return buffer.getvalue()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut in half": lambda content: content[: len(content) // 2],
    "without its end": lambda content: content[:-30],
    "bytes of nothing": lambda content: bytes(len(content)),
    "bit flipped in its numbers": lambda content: flipped(content, 0.4),
    "names that unpack to 160 GB": _bomb,
    "objects": _objects,
    "an array twice": _twice,
    "an .npy file": lambda content: b"\x93NUMPY" + content[6:],
}


def _predict(good: Good, checkpoint: Path | str, features: Path | str) -> list[str]:
    return ["predict", "--checkpoint", str(checkpoint), "--features", str(features), "--out", "o.json"]


def _about(**changes: object) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content["about"] = json.dumps({**json.loads(content["about"]), **changes})

    return change


def _base(**changes: object) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        about = json.loads(content["about"])
        content["about"] = json.dumps({**about, "base": {**about["base"], **changes}})

    return change


def _weights(make: Callable[[torch.Tensor], Any]) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        name = next(name for name, weight in content["model"].items() if weight.is_floating_point())
        content["model"] = {**content["model"], name: make(content["model"][name])}

    return change


CHECKPOINTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "classes of numbers": _about(classes=[1, 2, 3, 4]),
    "classes none": _about(classes=[]),
    "classes text": _about(classes="abcd"),
    "feature size text": _about(feature_size="16"),
    "feature size 1.5": _about(feature_size=1.5),
    "feature size -1": _about(feature_size=-1),
    "feature size absurd": _about(feature_size=10**12),
    "rate 0": _about(snippets_per_second=0),
    "rate -1": _about(snippets_per_second=-1),
    "rate null": _about(snippets_per_second=None),
    "rate NaN": _about(snippets_per_second=float("nan")),
    "rate 1e-300": _about(snippets_per_second=1e-300),
    "round -1": _about(round_index=-1),
    "precision unknown": _about(precision="float8"),
    "streams a number": _about(streams=3),
    "unknown key": _about(colour="red"),
    "embedding absurd": _base(embedding_size=10**9),
    "network unknown": _base(kind="nothing"),
    "network a group": _base(kind={"a": 1}),
    "about a list": lambda content: content.update(about="[1, 2]"),
    "about a number": lambda content: content.update(about=3),
    "about deep": lambda content: content.update(about="[" * 5000),
    "detection a list": _about(detection=[1]),
    "weights infinite": _weights(lambda weight: weight + torch.inf),
    "weights NaN": _weights(lambda weight: weight * torch.nan),
    "weights of another shape": _weights(lambda weight: weight.reshape(-1)),
    "weights a number": _weights(lambda weight: 3),
    "weights none": lambda content: content.update(model={}),
    "weights a list": lambda content: content.update(model=[1]),
    "no progress": lambda content: content.__delitem__("progress"),
}
CHECKPOINT_DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    **{f"one bit flipped at {place}": (lambda content, place=place: flipped(content, place)) for place in
       (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.0)},
    "cut in half": lambda content: content[: len(content) // 2],
    "without its digest": lambda content: content[:-76],
    "a byte more": lambda content: content + b"\n",
    "a byte before": lambda content: b"\n" + content,
    "its digest alone": lambda content: content[-76:],
}  # fmt: skip


def checkpoint_faults() -> Iterator[Fault]:
    """Each change of a checkpoint that is then sealed anew, and each damage of its bytes."""
    for name, change in CHECKPOINTS.items():

        def breaks(good: Good, folder: Path, change: Any = change) -> list[str]:
            content, _ = read_checkpoint(good / "round0/checkpoint.pt")
            content = {key: value for key, value in content.items() if key != "format"}
            change(content)
            write_checkpoint(folder / "bad.pt", content)
            return _predict(good, "bad.pt", good / "features/v1.npy")

        yield Fault(f"checkpoint: {name}", breaks, r"bad\.pt")
    for name, damage in CHECKPOINT_DAMAGE.items():

        def damaged(good: Good, folder: Path, damage: Any = damage) -> list[str]:
            (folder / "bad.pt").write_bytes(damage((good / "round0/checkpoint.pt").read_bytes()))
            return _predict(good, "bad.pt", good / "features/v1.npy")

        yield Fault(f"checkpoint: {name}", damaged, r"bad\.pt")


ROWS = np.random.default_rng(1).random((40, 16)).astype(np.float32)
FEATURES: dict[str, Callable[[], Any]] = {
    "NaN": lambda: first(np.nan)(ROWS),
    "infinite": lambda: first(np.inf)(ROWS),
    "other columns": lambda: ROWS[:, :7],
    "complex": lambda: ROWS.astype(complex),
    "text": lambda: ROWS.astype(str),
    "whole numbers": lambda: ROWS.astype(int),
    "no row": lambda: ROWS[:0],
    "a number": lambda: np.array(3.0),
    "four axes": lambda: ROWS.reshape(2, 20, 4, 4),
    "beyond the precision": lambda: ROWS.astype(np.float64) * 1e300,
}


def _link_out(file: h5py.File) -> None:
    file["v1"] = h5py.ExternalLink("nowhere.h5", "/v1")


def _link_loop(file: h5py.File) -> None:
    file["v1"], file["v2"] = h5py.SoftLink("/v2"), h5py.SoftLink("/v1")


H5: dict[str, Callable[[h5py.File], Any]] = {
    "nothing": lambda file: None,
    "a named type": lambda file: file.__setitem__("v1", np.dtype("f4")),
    "a link to another file": _link_out,
    "links in a circle": _link_loop,
    "119 GB that are not there": lambda file: file.create_dataset("v1", (10**9, 32), "f4", chunks=(1000, 32)),
    "text": lambda file: file.__setitem__("v1", "text"),
    "an empty data set": lambda file: file.__setitem__("v1", h5py.Empty("f4")),
    "an empty group": lambda file: file.create_group("v1"),
    "groups in groups": lambda file: file.create_group("v1/a/b"),
    "NaN": lambda file: file.create_dataset("v1", data=first(np.nan)(ROWS)),
}


def feature_faults() -> Iterator[Fault]:
    """Each faulty array and HDF5 file of features."""
    for name, make in FEATURES.items():

        def breaks(good: Good, folder: Path, make: Any = make) -> list[str]:
            np.save(folder / "bad.npy", make())
            return _predict(good, good / "round0/checkpoint.pt", "bad.npy")

        yield Fault(f"features: {name}", breaks, "bad")
    for name, fill in H5.items():

        def filled(good: Good, folder: Path, fill: Any = fill) -> list[str]:
            with h5py.File(folder / "bad.h5", "w") as file:
                fill(file)
            return _predict(good, good / "round0/checkpoint.pt", "bad.h5")

        yield Fault(f"HDF5: {name}", filled, r"bad\.h5")

    def archive(good: Good, folder: Path) -> list[str]:
        with (folder / "bad.npy").open("wb") as handle:
            np.savez(handle, a=ROWS)
        return _predict(good, good / "round0/checkpoint.pt", "bad.npy")

    yield Fault("features: an archive", archive, r"bad\.npy")
