"""`wtal doctor`: a line a finding, what to do where something is missing, and a verdict."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from wtal.cli import environment as doctor
from wtal.cli import main


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with nothing in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def line_of(name: str, printed: str) -> str:
    return next(line for line in printed.splitlines() if line.split()[:1] == [name])


def test_every_part_has_a_line_and_the_verdict_is_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for name in ("python", "numpy", "torch", "snakemake", "dvc", "conda", "browser", "cores", "memory", "disk", "CUDA"):
        assert line_of(name, printed).split()[1] in ("ok", "absent")
    assert metadata.version("numpy") in line_of("numpy", printed)
    assert printed.splitlines()[-1] == "ready: snakemake --cores all --use-conda"


def test_a_missing_package_says_how_to_get_it_and_the_exit_code_is_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(doctor.SOFTWARE, "suite", ("snakemake-of-nowhere",))
    assert main(["doctor"]) == 2
    captured = capsys.readouterr()
    line = line_of("snakemake-of-nowhere", captured.out)
    assert "MISSING" in line
    assert line.endswith("make report installs it, or pip install --editable '.[suite]'")
    assert captured.err == ("wtal doctor: the default suite cannot run: snakemake-of-nowhere missing (see above)\n")


def test_a_build_of_opencv_with_more_in_it_stands_in_for_the_one_without(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for there, contributed in (("opencv-python-headless", "absent"), ("opencv-contrib-python-headless", "ok")):
        monkeypatch.setattr(doctor, "_version", lambda name, there=there: "5.0" if name == there else None)
        main(["doctor"])
        printed = capsys.readouterr().out
        assert line_of("opencv-python-headless", printed).split()[1] == "ok"
        assert line_of("opencv-contrib-python-headless", printed).split()[1] == contributed


def test_a_version_other_than_the_pinned_one_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "constraints.txt").write_text("# versions\nnumpy==1.0.0\n")
    main(["doctor"])
    assert "(constraints.txt has 1.0.0)" in line_of("numpy", capsys.readouterr().out)


def test_a_data_set_that_was_not_fetched_names_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    line = line_of("thumos14", capsys.readouterr().out)
    assert line.split()[1:4] == ["absent", "0", "of"]
    assert line.endswith("; wtal fetch thumos14")


def test_a_file_of_the_wrong_size_does_not_count(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "data/hapt").mkdir(parents=True)
    (project / "data/hapt/HAPT.pkl.gz").write_bytes(b"truncated")
    manifest = doctor.read_manifest("hapt")
    packaged = manifest.files[0]
    elsewhere = type(packaged)(path=packaged.path, sources=("manual:nowhere",), bytes=packaged.bytes)
    assert not doctor._is_present(manifest, elsewhere)


def test_the_default_dvc_remote_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".dvc").mkdir()
    (project / ".dvc/config").write_text("[core]\n    remote = store\n['remote \"store\"']\n    url = /somewhere\n")
    main(["doctor"])
    assert line_of("DVC", capsys.readouterr().out).split()[2:] == ["ok", "store"]


def test_a_broken_dvc_configuration_is_told_in_its_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".dvc").mkdir()
    (project / ".dvc/config").write_text("not a section\n")
    assert main(["doctor"]) == 0
    assert "mend" in line_of("DVC", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('{"build": null, "names": []}', "torch built for the CPU alone; no device"),
        ('{"build": "13.0", "names": ["One"]}', "torch built for CUDA 13.0; One"),
    ],
)
def test_asked_for_gpus_it_says_what_torch_sees(
    answer: str, found: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "GPU_QUESTION", f"print('{answer}')")
    main(["doctor", "--gpu"])
    assert found in line_of("CUDA", capsys.readouterr().out)
