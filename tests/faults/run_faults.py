"""Faults of what a command may write, of options, and of the files of a run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from array_faults import flipped
from good_inputs import MANIFEST, Fault, Good

from wtal.base.files import write_text


def _predict(good: Good, features: str, checkpoint: str, out: str, *more: str) -> list[str]:
    shutil.copy(good / "round0/checkpoint.pt", "c.pt")
    shutil.copytree(good / "features", "f")
    return ["predict", "--checkpoint", checkpoint, "--features", features, "--out", out, *more]


def _linked(link: Callable[[str, str], None], target: str) -> Callable[[Good, Path], list[str]]:
    def breaks(good: Good, folder: Path) -> list[str]:
        arguments = _predict(good, "f/v1.npy", "c.pt", "out.json")
        link(target, "out.json")
        return arguments

    return breaks


def _detect(good: Good, detections: str, rounds: str) -> list[str]:
    shutil.copy(good / "round0/scores_test.npz", "s.npz")
    shutil.copytree(good / "data", "data")
    return [
        *("detect", "--settings", f"{good / 'settings/base/detect.json'}", "--data", "data", "--scores", "s.npz"),
        *("--detections", detections, "--rounds", rounds),
    ]


def _copied(good: Good, source: str, name: str, *arguments: str) -> list[str]:
    shutil.copy(good / source, name)
    return [argument.replace("GOOD", str(good.folder)) for argument in arguments]


def _train_over_its_checkpoint(good: Good, folder: Path) -> list[str]:
    shutil.copytree(good / "round0", "out")
    shutil.copy(good / "labels.npz", "l.npz")
    settings = f"{good / 'settings/naive/round1.json'}"
    return [
        *("train", "--settings", settings, "--data", f"{good / 'data'}", "--seed", "0", "--out", "out"),
        *("--checkpoint", "out/checkpoint.pt", "--labels", "l.npz"),
    ]


def _file(*arguments: str) -> Callable[[Good, Path], list[str]]:
    """A command whose folder of outputs is a file."""

    def breaks(good: Good, folder: Path) -> list[str]:
        (folder / "out").write_text("mine")
        return [argument.replace("GOOD", str(good.folder)) for argument in arguments]

    return breaks


LABELS_FROM = ("solve-labels", "--settings", "GOOD/settings/naive/labels1.json", "--data", "GOOD/data", "--scores")
DIAGNOSE = ("diagnose", "--ground-truth", "GOOD/gt.json", "--detections")
OF_RUN = ("--report", "GOOD/run/made-up/settings/report.json", "--results", "GOOD/run/made-up")
OUTPUTS: dict[str, Callable[[Good, Path], list[str]]] = {
    "predict over its features": lambda good, folder: _predict(good, "f/v1.npy", "c.pt", "f/v1.npy"),
    "predict over one of its features": lambda good, folder: _predict(good, "f", "c.pt", "f/v2.npy"),
    "predict over its checkpoint": lambda good, folder: _predict(good, "f", "c.pt", "c.pt"),
    "predict over its checkpoint by another path": lambda good, folder: _predict(good, "f", "c.pt", "f/../c.pt"),
    "predict over its checkpoint by a link": _linked(os.symlink, "c.pt"),
    "predict over its checkpoint by another name": _linked(os.link, "c.pt"),
    "predict over a device": _linked(os.symlink, "/dev/full"),
    "predict over a named pipe": _linked(lambda target, name: os.mkfifo(name), ""),
    "predict over a folder": lambda good, folder: _predict(good, "f", "c.pt", "f"),
    "predict with a file for timelines": lambda good, folder: _predict(
        good, "f", "c.pt", "o.json", "--timelines", "f/v1.npy"
    ),
    "predict into a file": lambda good, folder: _predict(good, "f", "c.pt", "c.pt/o.json"),
    "predict to a path of no letters": lambda good, folder: _predict(good, "f", "c.pt", "a\0b"),
    "predict to a name that is too long": lambda good, folder: _predict(good, "f", "c.pt", "n" * 300_000),
    "detect to one file twice": lambda good, folder: _detect(good, "a.json", "./a.json"),
    "detect over its scores": lambda good, folder: _detect(good, "d.json", "s.npz"),
    "detect over features of its store": lambda good, folder: _detect(good, "data/features.npy", "r.npz"),
    "detect over a table of its store": lambda good, folder: _detect(good, "d.json", "data/videos.csv"),
    "solve-labels over its scores": lambda good, folder: _copied(
        good, "round0/scores_train.npz", "s.npz", *LABELS_FROM, "s.npz", "--out", "s.npz"
    ),
    "solve-labels over its settings": lambda good, folder: [
        argument.replace("GOOD/settings/naive/labels1.json", "l.json")
        for argument in _copied(
            good,
            "settings/naive/labels1.json",
            "l.json",
            *("solve-labels", "--settings", "l.json", "--data", "GOOD/data"),
            *("--scores", "GOOD/round0/scores_train.npz", "--out", "l.json"),
        )
    ],
    "export-labels over its labels": lambda good, folder: _copied(
        good, "labels.npz", "l.npz", "export-labels", "--labels", "l.npz", "--data", "GOOD/data", "--out", "l.npz"
    ),
    "set-detection over its checkpoint": lambda good, folder: _copied(
        *(good, "round0/checkpoint.pt", "c.pt", "set-detection", "--checkpoint", "c.pt"),
        *("--detection", "GOOD/settings/base/detect.json", "--out", "c.pt"),
    ),
    "score over its checkpoint": lambda good, folder: _copied(
        *(good, "round0/checkpoint.pt", "c.pt", "score", "--settings", "GOOD/round.json", "--data", "GOOD/data"),
        *("--checkpoint", "c.pt", "--seed", "0", "--out", "c.pt"),
    ),
    "evaluate-run over its rounds": lambda good, folder: _copied(
        *(good, "rounds.npz", "r.npz", "evaluate-run", "--settings", "GOOD/settings/base/evaluate.json"),
        *("GOOD/settings/base/detect.json", "--detections-of-rounds", "r.npz", "--data", "GOOD/data", "--scores"),
        *("GOOD/round0/scores_test.npz", "--variant", "base", "--seed", "0", "--out", "r.npz"),
    ),
    "train over its checkpoint": _train_over_its_checkpoint,
    "train into a file": _file("train", "--settings", "GOOD/round.json", "--data", "GOOD/data", "--seed", "0",
                               "--out", "out"),
    "diagnose into a file": _file(*DIAGNOSE, "GOOD/det.json", "--out", "out"),
    "prepare into a file": _file("prepare", "--settings", "GOOD/settings/data.json", "--out", "out"),
    "fetch into a file": _file("fetch", "GOOD/m.yaml", "--into", "out"),
    "tables into a file": _file("tables", *OF_RUN, "--data", "GOOD/run/made-up/data", "--out", "out"),
    "figures into a file": _file("figures", *OF_RUN, "--data", "GOOD/run/made-up/data", "--out", "out"),
    "page over its settings": lambda good, folder: [
        *("report", "--report", str(shutil.copy(good / "run/made-up/settings/report.json", "r.json"))),
        *("--results", f"{good / 'run/made-up'}", "--out", "r.json"),
    ],
}  # fmt: skip


def output_faults() -> Iterator[Fault]:
    """Outputs that are inputs, devices, pipes, folders or files in the place of folders."""
    for name, breaks in OUTPUTS.items():
        yield Fault(name, breaks)

    def target(good: Good, folder: Path) -> list[str]:
        (folder / "out/a.bin").mkdir(parents=True)
        write_text(folder / "m.yaml", MANIFEST)
        return ["fetch", "m.yaml", "--into", "out"]

    yield Fault("fetch to a folder in the place of a file", target, "a.bin")
    for name, path in (("inside another file", "a.bin/x"), ("of the lock", "lock.json")):

        def manifest(good: Good, folder: Path, path: str = path) -> list[str]:
            entry = f"  - {{path: {path}, sources: ['manual:by hand']}}\n"
            write_text(folder / "m.yaml", MANIFEST + entry)
            return ["fetch", "m.yaml", "--into", "out"]

        yield Fault(f"fetch to a path {name}", manifest, "m.yaml")
    for name, value in (("a number", 3), ("short", "abc"), ("long", "f" * 300_000)):

        def lock(good: Good, folder: Path, value: object = value) -> list[str]:
            write_text(folder / "m.yaml", MANIFEST)
            write_text(folder / "out/lock.json", json.dumps({"files": {"a.bin": value}}))
            return ["fetch", "m.yaml", "--into", "out"]

        yield Fault(f"fetch with a lock whose sha256 is {name}", lock, "lock.json")


SCORED = ("evaluate", "--ground-truth", "GOOD/gt.json", "--detections", "GOOD/det.json")
NEW = ("new-dataset", "mine", "--features", "GOOD/features", "--annotations", "GOOD/own.csv", "--snippets-are", "rows")
RATES = ("0", "-1", "nan", "inf", "1e-300", "1e300")
PREPARED: dict[str, dict[str, object]] = {
    "a billion videos": {"train_videos": 10**9},
    "a trillion features": {"feature_size": 10**12},
    "videos of a fraction": {"train_videos": 8.5},
    "a kind that is a group": {"kind": {"a": 1}},
    "a kind that is a list": {"kind": ["synthetic"]},
    "snippets that fall": {"snippets": [90, 40]},
    "snippets of text": {"snippets": "40"},
    "classes null": {"classes": None},
    "an unknown key": {"colour": "red"},
    "a seed of text": {"seed": "one"},
}
SUITES: dict[str, str] = {
    "a network that is a list": "method: {base: {kind: [1]}}",
    "a preset that is a group": "method: {preset: {a: 1}}",
    "a million epochs": "method: {training: {epochs: 1000000}}",
    "a rate of NaN": "method: {training: {weight_decay: .nan}}",
    "seeds twice": "seeds: [0, 0]",
    "seeds below 0": "seeds: [-1]",
    "variants that are a list": "variants: [a]",
    "resamples without end": "evaluation: {bootstrap_resamples: 1000000000}",
    "extends nothing": "extends: nowhere.yaml",
    "extends its folder": "extends: .",
    "extends itself": "extends: s.yaml",
    "extends a number": "extends: 3",
    "extends a zero byte": 'extends: "a\\0b"',
    "extends no suite": "extends: other.yaml",
}


def option_faults() -> Iterator[Fault]:
    """Options and settings out of their range."""
    for text in ("1000000000", "-1", "3"):
        yield _with(f"evaluate --bootstrap {text}", *SCORED, "--bootstrap", text)
    yield _with("compare --bootstrap 1e9", "compare", "--system", "a", "GOOD/det.json", "--system", "b",
                "GOOD/det.csv", "--ground-truth", "GOOD/gt.json", "--bootstrap", "1000000000")  # fmt: skip
    for text in ("٠.٥", "0", "2", "nan", "0.5:0.1:0.1", "0.1:0.9:1e-9", "x", "0.1,,0.2", "9" * 300_000):
        yield _with(f"evaluate --tiou {text:.20}", *SCORED, "--tiou", text)
    for text in RATES:
        yield _with(f"evaluate --snippets-per-second {text}", *SCORED, f"--snippets-per-second={text}")
        yield _with(f"new-dataset --rate {text}", *NEW, f"--rate={text}")
    yield _with("train --seed -1", "train", "--settings", "GOOD/round.json", "--data", "GOOD/data", "--seed=-1",
                "--out", "out")  # fmt: skip
    yield _with("new-dataset with a name of a path", *(word.replace("mine", "../mine") for word in NEW))
    for name, changes in PREPARED.items():

        def settings(good: Good, folder: Path, changes: dict[str, object] = changes) -> list[str]:
            write_text(folder / "s.json", json.dumps({"kind": "synthetic", **changes}))
            return ["prepare", "--settings", "s.json", "--out", "out"]

        yield Fault(f"prepare {name}", settings, "s.json")
    for name, text in SUITES.items():

        def suite(good: Good, folder: Path, text: str = text) -> list[str]:
            under = "" if text.startswith("extends") else f"extends: {os.path.relpath('/')}{TINY.relative_to('/')}\n"
            write_text(folder / "s.yaml", f"{under}{text}\n")
            write_text(folder / "other.yaml", "[1, 2")
            return ["plan", "s.yaml"]

        yield Fault(f"plan {name}", suite, "s.yaml")

    def chain(good: Good, folder: Path) -> list[str]:
        for number in range(100):
            write_text(folder / f"s{number}.yaml", f"extends: s{number + 1}.yaml\n")
        return ["plan", "s0.yaml"]

    yield Fault("plan extends a hundred files", chain, r"s\d+\.yaml")


TINY = Path(__file__).resolve().parents[2] / "config/tiny.yaml"


def _with(name: str, *arguments: str) -> Fault:
    return Fault(name, lambda good, folder: [argument.replace("GOOD", str(good.folder)) for argument in arguments])


Edit = Callable[[Any], Any]  # of a JSON value


def _metrics(**changes: object) -> Edit:
    return lambda value: {**value, **changes}


def _of_round(**changes: object) -> Edit:
    return lambda value: {**value, "rounds": [{**value["rounds"][0], **changes}, *value["rounds"][1:]]}


METRICS: dict[str, Edit] = {
    "NaN": _metrics(classification_mAP=float("nan")),
    "infinity": lambda value: {**value, "averages": dict.fromkeys(value["averages"], float("inf"))},
    "text for numbers": _metrics(mAP="high"),
    "one mAP less": lambda value: {**value, "mAP": value["mAP"][1:]},
    "null in mAP": lambda value: {**value, "mAP": [None, *value["mAP"][1:]]},
    "another mAP": lambda value: {**value, "mAP": [1 + value["mAP"][0], *value["mAP"][1:]]},
    "classes null": lambda value: {**value, "per_class": dict.fromkeys(value["per_class"], None)},
    "no class": _metrics(per_class={}),
    "round -1": _of_round(round=-1),
    "a round twice": lambda value: {**value, "rounds": [value["rounds"][0], *value["rounds"]]},
    "no round": _metrics(rounds=[]),
    "rounds a number": _metrics(rounds=3),
    "NaN in a round": _of_round(label_mAP=float("nan")),
    "other settings": _metrics(settings_digest="0" * 64),
    "settings a number": _metrics(settings_digest=3),
    "another variant": _metrics(variant="whole"),
    "another seed": _metrics(seed=7),
    "seed true": _metrics(seed=True),
    "a list": lambda value: [value],
    "nothing": lambda value: {},
}


def _tables(folder: Path) -> list[str]:
    run = folder / "run"
    return ["tables", "--report", f"{run}/settings/report.json", "--data", f"{run}/data", "--results", f"{run}",
            "--out", "out"]  # fmt: skip


def _page(folder: Path) -> list[str]:
    return ["report", "--report", "run/settings/report.json", "--results", "run", "--out", "page.html"]


Command = Callable[[Path], list[str]]


def _edited(name: str, edit: Edit, command: Command, extra: Callable[[Path], None] = lambda run: None) -> Any:
    def breaks(good: Good, folder: Path) -> list[str]:
        shutil.copytree(good / "run/made-up", folder / "run")
        path = folder / "run" / name
        path.write_text(json.dumps(edit(json.loads(path.read_text()))))
        extra(folder / "run")
        return command(folder)

    return breaks


def _rewritten(name: str, rewrite: Callable[[bytes], bytes], command: Command) -> Any:
    def breaks(good: Good, folder: Path) -> list[str]:
        shutil.copytree(good / "run/made-up", folder / "run")
        path = folder / "run" / name
        path.write_bytes(rewrite(path.read_bytes() if path.exists() else b""))
        return command(folder)

    return breaks


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


ROUND0 = "base/seed0/round0"
FILES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "settings of 5,000 digits": ("settings/report.json", lambda content: b'{"suite": ' + b"9" * 5000 + b"}"),
    "settings cut in half": ("settings/report.json", _half),
    "metrics of 5,000 digits": ("base/seed0/metrics.json", lambda content: b'{"seed": ' + b"9" * 5000 + b"}"),
    "metrics cut in half": ("base/seed0/metrics.json", _half),
    "metrics with a key twice": ("base/seed0/metrics.json", lambda content: b'{"seed": 1, ' + content.lstrip()[1:]),
    "rounds.npz cut in half": ("base/seed0/rounds.npz", _half),
    "rounds.npz with a bit flipped": ("base/seed0/rounds.npz", lambda content: flipped(content, 0.3)),
    "scores cut in half": (f"{ROUND0}/scores_test.npz", _half),
    "training.csv cut in half": (f"{ROUND0}/training.csv", _half),
    "training.csv less its last line": (
        f"{ROUND0}/training.csv",
        lambda content: b"".join(content.splitlines(keepends=True)[:-1]),
    ),
    "training.csv with a zero byte": (f"{ROUND0}/training.csv", lambda content: content.replace(b"0.001", b"0.0\0", 1)),
    "training.csv with text": (f"{ROUND0}/training.csv", lambda content: content.replace(b"0.001", b"fast", 1)),
    "training.csv with a line twice": (
        f"{ROUND0}/training.csv",
        lambda content: content + content.splitlines(keepends=True)[-1],
    ),
    "a time of text": ("benchmarks/base/seed0/round0.tsv", lambda content: content.replace(b"12.5", b"long")),
    "a time cut in half": ("benchmarks/base/seed0/round0.tsv", lambda content: content[:3]),
    "annotations reversed": ("data/annotations.csv", lambda content: content.replace(b",2.0,", b",900.0,", 1)),
    "annotations with a letter changed": ("data/annotations.csv", lambda content: content.replace(b"2.0", b"2.1", 1)),
}
STORES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "features with a bit flipped": ("features.npy", lambda content: flipped(content, 0.7)),
    "features cut in half": ("features.npy", _half),
    "features of a broken header": ("features.npy", lambda content: content.replace(b"<f4", b"<q9", 1)),
    "features that are none": ("features.npy", lambda content: b"nothing"),
    "videos with a zero byte": ("videos.csv", lambda content: content.replace(b"t", b"\0", 1)),
    "videos with a letter changed": ("videos.csv", lambda content: content.replace(b"train_0001", b"train_000x", 1)),
    "videos with rows that fall": ("videos.csv", lambda content: content.replace(b",0,", b",5,", 1)),
    "videos cut in half": ("videos.csv", _half),
    "labels of an unknown class": ("video_labels.csv", lambda content: content.replace(b"action_01", b"action_99", 1)),
    "a description of 5,000 digits": ("meta.json", lambda content: b'{"feature_size": ' + b"9" * 5000 + b"}"),
    "a description with a rate of 0": ("meta.json", lambda content: content.replace(b"1.5625", b"0", 1)),
    "a description with a key twice": ("meta.json", lambda content: b'{"licence": "", ' + content.lstrip()[1:]),
    "a description cut in half": ("meta.json", _half),
}
FACTS: dict[str, Edit] = {
    "of other settings": lambda facts: {**facts, "settings_digest": "0" * 64},
    "whose digest is a list": lambda facts: {**facts, "settings_digest": [1]},
    "whose steps are text": lambda facts: {**facts, "steps": "fast"},
    "whose steps are numbers": lambda facts: {**facts, "steps": [1, 2]},
    "whose seconds are text": lambda facts: {**facts, "steps": [{"step": "a", "seconds": "x", "memory_mb": 1}]},
    "whose seconds are below 0": lambda facts: {**facts, "steps": [{"step": "a", "seconds": -1, "memory_mb": 1}]},
    "whose versions are a list": lambda facts: {**facts, "versions": [1]},
    "whose data are text": lambda facts: {**facts, "data": "x"},
    "whose files are numbers": lambda facts: {**facts, "data": {"files": 3}},
}
PAGES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "ablation.csv cut in half": ("ablation.csv", _half),
    "main.csv cut in half": ("main.csv", _half),
    "rounds.csv cut in half": ("rounds.csv", _half),
    "per_class.csv cut in half": ("per_class.csv", _half),
    "ablation.csv with text for a number": ("ablation.csv", lambda content: content.replace(b".", b"x", 8)),
    "ablation.csv less a line": ("ablation.csv", lambda content: b"".join(content.splitlines(keepends=True)[:-1])),
    "rounds.csv with a number changed": ("rounds.csv", lambda content: content.replace(b".1", b".2", 1)),
    "rounds.csv less a line": ("rounds.csv", lambda content: b"".join(content.splitlines(keepends=True)[:-1])),
}


def run_faults() -> Iterator[Fault]:
    """Files of a run and of a store that are damaged behind the workflow's back."""
    for name, edit in METRICS.items():
        yield Fault(f"metrics.json: {name}", _edited("base/seed0/metrics.json", edit, _tables), r"metrics\.json")
    for name, (file, rewrite) in FILES.items():
        yield Fault(f"tables: {name}", _rewritten(file, rewrite, _tables), Path(file).name)
    for name, edit in FACTS.items():
        yield Fault(f"page: facts {name}", _edited("provenance.json", edit, _page), r"provenance\.json")
    for name, (file, rewrite) in PAGES.items():
        yield Fault(f"page: {name}", _rewritten(file, rewrite, _page), Path(file).name)
    for name, (file, rewrite) in STORES.items():

        def store(good: Good, folder: Path, file: str = file, rewrite: Any = rewrite) -> list[str]:
            shutil.copytree(good / "data", folder / "data")
            (folder / "data" / file).write_bytes(rewrite((good / "data" / file).read_bytes()))
            return ["check-data", "--data", "data"]

        yield Fault(f"store: {name}", store, rf"{file}|\.csv")
