"""Every snippet and command of the README and the documentation runs, or its words are those there are."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from report_run import make_run

from wtal.cli import build_parser, main
from wtal.cli.parser.helpful import commands_of
from wtal.suite.plan import read_suite, suite_from_mapping
from wtal.suite.tuning import read_tuning

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELL = ("", "sh", "console", "bash")
PROGRAMS = ("wtal", "snakemake", "make", "pip", "git", "dvc", "python", "eval", "rm")

# What runs elsewhere or not at all, and why: by page and the words that a block or a command begins with.
RUNS_ELSEWHERE = {
    ("own-data.md", "import json"): "test_own_transcript.py runs it with the commands that follow it",
    ("own-video.md", "from pathlib"): "test_own_transcript.py runs it with the commands that follow it",
    ("methods.md", "import sys"): "tests/workflow/test_external.py runs it as the command of a suite",
}
NEITHER = {  # indented blocks that are neither a command nor settings of a suite, by their first word
    ("statistics.md", "V"): "a formula",
    ("cluster.md", "default-resources:"): "a part of a profile of Snakemake's",
    ("video.md", "streams:"): "a part of the data settings of features, as a record of extraction has it",
    ("video.md", '[project.entry-points."wtal.extractors"]'): "entry points, as in the TOML blocks",
}
NOT_OURS = {
    "git": "git's own",
    "dvc": "DVC's own",
    **dict.fromkeys(("cd", "ls", "rm", "."), "the shell's own"),
    "pytest": "tests of this project by their names",
    "python": "programs of others, or run by test_own_transcript.py",
    "eval": "the shell's own; what it evaluates is read as a command of its own",
}
# Commands that run for real, in a folder that has what they name.
CHEAP = (
    "evaluate",
    "compare",
    "diagnose",
    "plan",
    "list",
    "schema",
    "tables",
    "diagnose-suite",
    "report",
    "export-tables",
)


@dataclass(frozen=True)
class Block:
    """A fenced or an indented block of a page."""

    page: str
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that a page shows. whole: in a block, so that nothing of it may be left out."""

    page: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def blocks_of(path: Path) -> Iterator[Block]:
    text = path.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w*)\n(.*?)^```", text, flags=re.M | re.S):
        yield Block(path.name, found[1], found[2])
    rest = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for found in re.finditer(r"(?:(?<=\n\n)|\A)((?:(?: {4}| {6}).+\n)+)", rest):
        yield Block(path.name, "indented", re.sub(r"^ {4}(?:  )?", "", found[1], flags=re.M))


BLOCKS = [block for path in PAGES for block in blocks_of(path)]


def shell_lines(block: Block) -> Iterator[str]:
    lines = block.text.replace("\\\n", " ").splitlines()
    for line in lines:
        if block.language != "console" or line.startswith("$ "):
            yield from (part.strip() for part in line.removeprefix("$ ").split(" && "))


def is_shell(block: Block) -> bool:
    return block.language in SHELL or (
        block.language == "indented" and bool(set(re.findall(r"^\w+", block.text, flags=re.M)) & set(PROGRAMS))
    )


def commands() -> Iterator[Command]:
    for block in filter(is_shell, BLOCKS):
        for line in shell_lines(block):
            words = shlex.split(line.replace("<this repository>", "repository"), comments=True)
            if words:
                yield Command(block.page, tuple(words), whole=True)
    for path in PAGES:
        text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
        for found in re.findall(r"`((?:wtal|snakemake|make) [^`]+)`", text):
            yield Command(path.name, tuple(re.sub(r"\s+", " ", found).split(" ")), whole=False)


COMMANDS = list(commands())
OURS = [each for each in COMMANDS if each.words[0] == "wtal"]


def test_no_block_and_no_command_is_passed_over() -> None:
    known = {"python", "yaml", "toml", "csv", "json", *SHELL}
    for block in BLOCKS:
        if block.language == "indented":
            is_other = (block.page, block.text.split()[0]) in NEITHER
            assert is_other or is_shell(block) or isinstance(yaml.safe_load(block.text), dict), block
        else:
            assert block.language in known, block
    assert {each.words[0] for each in COMMANDS} - {"wtal", "snakemake", "make", "pip"} <= set(NOT_OURS)
    assert len(OURS) > 60  # a pattern that finds less than pages have would make the tests below empty


@pytest.mark.parametrize("command", OURS, ids=str)
def test_a_command_that_a_page_shows_is_understood(command: Command) -> None:
    choices = commands_of(build_parser()).choices  # type: ignore[union-attr]
    words = [word for word in command.words[1:] if word not in ("…", "...")]
    if command.whole:
        optional = [word.strip("[]") for word in words]
        build_parser().parse_args(optional)
        return
    if words[0].startswith("-"):
        assert words[0] in build_parser()._option_string_actions
        return
    names = words[0].split("|")
    assert set(names) <= set(choices), command
    options = [word.partition("=")[0] for word in words if word.startswith("--") and word != "--"]
    for name in names:
        assert set(options) <= set(choices[name]._option_string_actions), command


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.words[0] == "snakemake"], ids=str)
def test_a_call_of_snakemake_names_a_suite_and_a_target_that_exist(command: Command) -> None:
    words = [word for word in command.words[1:] if word != "…"]
    takes_one = {"--cores", "--configfile", "--config", "--logger-one-line-events", "-j", "--executor", "--jobs"}
    takes_one |= {"--default-storage-provider", "--default-storage-prefix", "--shared-fs-usage"}
    flags = {"--use-conda", "-n", "--no-hooks", "--keep-going", "--lint", "--unlock", "--dry-run"}
    rules = "\n".join(path.read_text() for path in [ROOT / "Snakefile", *(ROOT / "workflow").rglob("*.smk")])
    rules += (ROOT / "workflow/Snakefile").read_text()
    while words:
        word = words.pop(0)
        if word in ("--profile", "--workflow-profile"):
            assert not words or (ROOT / words.pop(0) / "config.yaml").is_file(), command
        elif word == "--set-resources":
            while words and "=" in words[0]:
                assert re.search(rf"^(use )?rule .*\b{words.pop(0).partition(':')[0]}\b", rules, flags=re.M), command
        elif word in takes_one:
            value = words.pop(0) if words else ""
            made_here = value.removeprefix("config/") in ("mine.yaml", "my-videos.yaml")
            assert word != "--configfile" or not value or made_here or (ROOT / value).is_file(), command
        elif not word.startswith("-"):
            assert word.startswith("results/") or re.search(rf"^\s*rule {word}:", rules, flags=re.M), command
        else:
            assert word in flags, command


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.words[0] in ("make", "pip")], ids=str)
def test_a_target_of_make_and_an_extra_of_pip_exist(command: Command) -> None:
    program, first, *rest = command.words
    if program == "make":
        assert re.search(rf"^{first}:", (ROOT / "Makefile").read_text(), flags=re.M), command
        return
    assert first == "install"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for name in re.findall(r"(?:\.|wtal)\[([\w,-]+)\]", " ".join(rest)):
        assert set(name.split(",")) <= set(extras), command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages name: detections, annotations of thumos14, a run, features of others."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "results").mkdir()
    results = make_run(folder)
    for name in ("SUITE", "hapt"):
        (folder / "results" / name).symlink_to(results)
    (results / "VARIANT/seed0").mkdir(parents=True)
    row = {"label": "walk", "segment": [1.0, 3.0], "score": 0.5}
    (results / "VARIANT/seed0/detections.json").write_text(json.dumps({"results": {"test_0": [row]}}))
    for name in ("config", "docs", "workflow"):
        (folder / name).symlink_to(ROOT / name)
    _write_annotations(folder)
    for stream in ("rgb", "flow"):
        for where in ("output/i3d", f"{stream}_feat"):
            (folder / where).mkdir(parents=True, exist_ok=True)
        np.save(folder / "output/i3d" / f"video_{stream}.npy", np.ones((4, 8)))
        np.ones((4, 8)).dump(folder / f"{stream}_feat" / "video.pkl")
    return folder


def _write_annotations(folder: Path) -> None:
    """The arrays of thumos14 for two made-up videos, the same as JSON, and detections that find some of them."""
    data = folder / "data" / "thumos14"
    data.mkdir(parents=True)
    segments = np.empty(2, dtype=object)
    labels = np.empty(2, dtype=object)
    segments[:] = [[[1.0, 4.0], [6.0, 9.0]], [[2.0, 5.0]]]
    labels[:] = [["Billiards", "Diving"], ["Billiards"]]
    names = np.array(["video_test_0000001", "video_test_0000002"])
    np.save(data / "videoname.npy", names.astype("S"))
    np.save(data / "segments.npy", segments, allow_pickle=True)
    np.save(data / "labels_all.npy", labels, allow_pickle=True)
    np.save(data / "labels.npy", labels, allow_pickle=True)
    np.save(data / "subset.npy", np.array(["test", "test"]).astype("S"))
    np.save(data / "duration.npy", np.array([20.0, 20.0]))
    np.save(data / "classlist.npy", np.array(["Billiards", "Diving"]).astype("S"))
    rows = {
        str(name): [{"label": label, "segment": segment} for label, segment in zip(labels[k], segments[k])]
        for k, name in enumerate(names)
    }
    base = {name: {"subset": "test", "duration": 20.0, "annotations": each} for name, each in rows.items()}
    (folder / "truth.json").write_text(json.dumps({"database": base}))
    found = {name: [{**row, "score": 0.9} for row in each] for name, each in rows.items()}
    for name in ("FILE", "detections", "ours", "theirs", "mine", "seed0", "seed1"):
        (folder / f"{name}.json").write_text(json.dumps({"results": found}))
    lines = [
        f"{name},{row['label']},{row['segment'][0]},{row['segment'][1]},{row['score']}"
        for name in found
        for row in found[name]
    ]
    (folder / "FILE.csv").write_text("\n".join(["video,label,start,end,score", *lines, ""]))


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language == "python"], ids=lambda block: block.page)
def test_a_snippet_of_python_runs(block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if any(page == block.page and block.text.startswith(words) for page, words in RUNS_ELSEWHERE):
        return
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["snippet.py"])
    space = {"__name__": f"snippet_{id(block)}"}
    module = type(sys)(space["__name__"])
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look their module up
    exec(compile(block.text, block.page, "exec"), module.__dict__)


@pytest.mark.parametrize("command", [c for c in OURS if c.whole and c.words[1] in CHEAP], ids=str)
def test_a_cheap_command_runs(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for name, page in (("truth.csv", "video,label,start,end\none,jump,2.0,6.0\n"), ("detections.csv", "")):
        if not (folder / name).exists():
            (folder / name).write_text(page or "video,label,start,end,score\none,jump,2.0,5.5,0.9\n")
    (folder / "DIR").mkdir(exist_ok=True)
    arguments = [word.strip("[]") for word in command.words[1:]]
    if "1000" in arguments:
        arguments[arguments.index("1000")] = "20"  # resamples, of which there is no need here
    assert main(arguments) == 0, command


# Settings that name a kind of the page's own plug-in: their text is read, and the plug-in is tested elsewhere.
OF_PLUG_INS = {"extending.md": "tests/workflow/test_workflow_plug_ins.py", "methods.md": "tests/test_plug_ins.py"}


def settings_blocks() -> list[Block]:
    indented = [each for each in BLOCKS if each.language == "indented" and not is_shell(each)]
    ours = [each for each in indented if (each.page, each.text.split()[0]) not in NEITHER]
    return [*(each for each in BLOCKS if each.language == "yaml"), *ours]


@pytest.mark.parametrize("block", settings_blocks(), ids=lambda block: f"{block.page}: {block.text.split()[0]}")
def test_settings_that_a_page_shows_are_accepted(block: Block, tmp_path: Path) -> None:
    shown = yaml.safe_load(block.text)
    if block.page in OF_PLUG_INS and "external" not in block.text:
        assert set(shown) == {"override"}
        assert (ROOT / OF_PLUG_INS[block.page]).is_file()
        return
    if "rungs" in shown:
        shutil.copytree(ROOT / "config", tmp_path / "config")
        (tmp_path / "config/tune/shown.yaml").write_text(block.text)
        read_tuning(tmp_path / "config/tune/shown.yaml")
        return
    if "extends" in shown:
        shutil.copytree(ROOT / "config", tmp_path / "config")
        (tmp_path / f"config/{shown['suite']}.yaml").write_text(block.text)
        assert read_suite(tmp_path / f"config/{shown['suite']}.yaml").variants
        return
    values = yaml.safe_load((ROOT / "config/hapt.yaml").read_text())
    if "variants" in shown:
        values = {key: values[key] for key in ("suite", "dataset", "seeds", "method", "evaluation")} | shown
        values["report"] = {"title": "Shown", "note": "Shown.", "timeline_variant": "rskp_optimised"}
    elif "bases" in shown:
        small = {"nms": {"title": "NMS", "rounds": 0, "override": {"detection": {"fusion": "nms"}}}}
        values = {key: values[key] for key in ("suite", "dataset", "seeds", "method", "evaluation")} | shown
        values["variants"] = small
        values["report"] = {"title": "Shown", "note": "Shown.", "timeline_variant": "rskp_nms"}
    else:
        values["variants"] |= shown
    assert suite_from_mapping(values, tmp_path / "shown.yaml").variants
