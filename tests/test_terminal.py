"""What a person at a terminal gets: help in groups, the word that was meant, completion, and what a plan will take."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wtal.cli import STAGES, build_parser, main
from wtal.cli.live.naming import suite_file
from wtal.cli.parser.completion import completion_script
from wtal.cli.parser.helpful import GROUPS, commands_of

ROOT = Path(__file__).resolve().parents[1]
HEADER = "s\th:m:s\tmax_rss\tmax_vms"


def test_a_suite_has_a_name_or_a_path(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert suite_file("hapt") == suite_file("config/hapt.yaml") == Path("config/hapt.yaml")
    assert suite_file("matrix/hapt") == Path("config/matrix/hapt.yaml")
    assert main(["run", "hatp"]) == 2
    assert "got 'hatp' (did you mean 'hapt'?)" in capsys.readouterr().err


def test_a_plan_says_time_and_memory_of_an_earlier_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "tiny"]) == 0
    assert "earlier run" not in capsys.readouterr().out
    folder = tmp_path / "results/tiny/benchmarks/train"
    folder.mkdir(parents=True)
    for seed in (0, 1):
        (folder / f"base_nms_seed{seed}_round0.tsv").write_text(f"{HEADER}\n90\t0:01:30\t{400 + seed}\t1\n")
    assert main(["plan", "config/tiny.yaml"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    jobs = r"earlier run: 2 of \d+ training jobs took 3\.0 min together, the longest 1\.5 min"
    assert re.match(rf"{jobs}, each at most 401 MB of memory; all of them, at that rate: \d+\.\d min$", last)


def test_every_command_is_in_one_group_of_the_help_with_a_line() -> None:
    commands = commands_of(build_parser())
    assert commands is not None
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(commands.choices)
    lines = build_parser().format_help().splitlines()
    for name in grouped:
        assert sum(bool(re.match(rf"  {name}  +\w", line)) for line in lines) == 1, name
    assert [line[:-1] for line in lines if line.endswith(":") and line[:1].isalpha()] == list(GROUPS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["evalute"], "wtal: unknown command evalute; did you mean evaluate?"),
        (["nonsense"], "wtal: unknown command nonsense; wtal --help names those there are"),
        (["--versoin"], "wtal: unknown option --versoin; did you mean --version?"),
        (["evaluate", "--detectoins", "a"], "wtal evaluate: unknown option --detectoins; did you mean --detections?"),
        (["fetch", "hapt", "--mirorr=a"], "wtal fetch: unknown option --mirorr; did you mean --mirror?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_misspelt_word_is_answered_by_the_one_that_was_meant(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{sentence}\n"


def test_a_misspelt_choice_is_answered_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["list", "fusion"])
    assert capsys.readouterr().err.endswith("did you mean fusions?\n")


def test_what_stands_after_two_dashes_goes_to_snakemake() -> None:
    for arguments, suite in ((["run", "tiny", "--", "-n", "--cores", "2"], "tiny"), (["run", "--", "-n"], "hapt")):
        options = build_parser().parse_args(arguments)
        assert (options.suite, options.passed_on) == (suite, tuple(arguments[arguments.index("--") + 1 :]))
    assert build_parser().parse_args(["run"]).passed_on == ()


def completed(tmp_path: Path, *words: str) -> set[str]:
    """What bash offers for the last of some words."""
    script = tmp_path / "wtal.bash"
    script.write_text(completion_script(build_parser(), "bash"))
    listed = " ".join(f"'{word}'" for word in words)
    asked = f"source {script}; COMP_WORDS=(wtal {listed}); COMP_CWORD={len(words)}; _wtal"
    code = f"{asked}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return set(
        subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    )


def test_bash_completes_commands_options_choices_and_suites(tmp_path: Path) -> None:
    assert completed(tmp_path, "eva") == {"evaluate", "evaluate-run"}
    assert completed(tmp_path, "evaluate", "--det") == {"--detections"}
    assert completed(tmp_path, "evaluate", "--format", "") == {"table", "json", "csv", "markdown", "latex"}
    assert completed(tmp_path, "list", "fus") == {"fusions"}
    assert {"hapt", "matrix/hapt"} <= completed(tmp_path, "run", "")
    assert completed(tmp_path, "plan", "hapt-s") == {"hapt-strong"}
    assert completed(tmp_path, "evaluate", "--detections", "") == set()  # bash completes files by itself


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_one_that_the_shell_reads(shell: str, tmp_path: Path) -> None:
    parser: argparse.ArgumentParser = build_parser()
    text = completion_script(parser, shell)
    assert all(name in text for names in GROUPS.values() for name in names)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(text)
    read = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True)
    assert (read.returncode, read.stderr) == (0, "")


def test_a_run_alone_loads_what_draws_on_the_screen() -> None:
    code = "import sys; from wtal.cli import build_parser; build_parser(); print('rich' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"


@pytest.mark.parametrize(
    "command", [["schema"], ["plan", "tiny"], ["list", "fusions"], ["list", "extractors", "--json"]]
)
def test_what_only_reads_settings_loads_no_arrays(command: list[str]) -> None:
    code = (
        "import sys; from wtal.cli import main; sys.stdout = sys.stderr; "
        f"code = main({command!r}); sys.stdout = sys.__stdout__; print(code, 'numpy._core' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0 False\n", done.stderr[-500:]


def test_a_module_that_waits_is_the_module_once_it_is_used() -> None:
    code = (
        "import sys; from wtal.base.code.late import import_once_used; import_once_used('fractions'); "
        "import fractions; waits = 'numbers' not in sys.modules; half = fractions.Fraction(1, 2); "
        "from fractions import Fraction; print(waits, isinstance(half, Fraction), hasattr(fractions, 'nothing'))"
    )
    printed = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout == "True True False\n"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_registers_the_commands_by_which_it_is_found(stage: str) -> None:
    commands = commands_of(build_parser(STAGES[stage][0]))
    assert commands is not None
    assert tuple(commands.choices) == STAGES[stage]


def test_a_plan_and_a_doctor_answer_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["plan", "tiny", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["training_jobs"] == len(
        {(o, k) for v in plan["owner_of_rounds"].values() for k, o in enumerate(v)}
    ) * len(plan["seeds"])
    code = main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["ready"] == (code == 0)
    assert {each["heading"] for each in found["findings"]} == {"software", "machine", "data"}


def test_detections_are_named_by_their_place_or_by_an_option_and_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, found, page = tmp_path / "truth.csv", tmp_path / "found.csv", tmp_path / "page.html"
    truth.write_text("video,label,start,end\none,jump,2.0,6.0\n")
    found.write_text("video,label,start,end,score\none,jump,2.0,5.5,0.9\n")
    rest = ["--ground-truth", str(truth), "--json"]
    for place in ([str(found)], ["--detections", str(found)]):
        assert main(["evaluate", *place, *rest]) == 0
        assert json.loads(capsys.readouterr().out)["n_detections"] == 1
        assert main(["diagnose", *place, *rest]) == 0
        capsys.readouterr()
    assert main(["evaluate", *rest]) == 2
    assert "command line: expected a file of detections; got none" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["evaluate", str(found), "--detections", str(found), *rest])
    (tmp_path / "again.csv").write_text(found.read_text())
    for _ in range(2):  # the page of an earlier call is written anew
        assert main(["compare", str(found), str(tmp_path / "again.csv"), *rest, "--html", str(page)]) == 0
