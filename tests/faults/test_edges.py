"""Bounds of readers as a setting, names with letters that steer, and a resume file that is damaged."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from array_faults import flipped

from wtal.base.edges.outputs import OutputFile, outputs_apart
from wtal.base.errors import InputError
from wtal.base.files import read_json, write_text
from wtal.evaluate.text.escaping import escape_latex, escape_markdown
from wtal.evaluate.text.typeset import typeset
from wtal.report.figures.drawing import canvas, drawing, save
from wtal.training.checkpoint import sealed

NAME = "a\x01\x1b[2J\x0b & <b>_%\x7f"


def test_a_larger_file_is_let_in_where_the_setting_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "a.json", "[1, 2, 3]")
    monkeypatch.setenv("WTAL_MOST_BYTES", "json=4")
    with pytest.raises(InputError, match=r"at most 4 bytes \(WTAL_MOST_BYTES=json=BYTES lets more in\)"):
        read_json(tmp_path / "a.json")
    monkeypatch.setenv("WTAL_MOST_BYTES", "json=1e3,yaml=5")
    assert read_json(tmp_path / "a.json") == [1, 2, 3]
    for text in ("json", "json=0", "pictures=3", "json=nan"):
        monkeypatch.setenv("WTAL_MOST_BYTES", text)
        with pytest.raises(InputError, match="WTAL_MOST_BYTES: expected KIND=BYTES"):
            read_json(tmp_path / "a.json")


def test_a_name_with_letters_that_steer_gives_a_well_formed_picture(tmp_path: Path) -> None:
    with drawing():
        figure = canvas(4, 3)
        figure.subplots().set_title(NAME)
        save(figure, tmp_path, "a")
    ElementTree.parse(tmp_path / "a.svg")


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_printed_results_hold_no_letters_that_steer(form: str) -> None:
    shown = typeset([["", "mAP"], [NAME, "1.0"]], form, f"caption of {NAME}")
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert r"\& " in escape_latex(NAME)
    assert r"\<b\>" in escape_markdown(NAME)


def test_an_input_is_not_written_even_where_no_option_names_the_output(tmp_path: Path) -> None:
    source = tmp_path / "in.json"
    write_text(source, "{}")
    with outputs_apart({"settings": source}), pytest.raises(InputError, match="got one of its inputs"):
        write_text(source, "[]")
    write_text(source, "[]")
    with (
        pytest.raises(InputError, match="got one for two of them"),
        outputs_apart({"a": OutputFile(tmp_path / "x"), "b": OutputFile(tmp_path / "x")}),
    ):
        pass


def test_a_sealed_archive_is_one_that_torch_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with path.open("wb") as handle:
        torch.save({"a": torch.arange(3)}, handle)
    archive = path.read_bytes()
    path.write_bytes(sealed(archive))
    assert torch.load(path, weights_only=True)["a"].tolist() == [0, 1, 2]
    assert all(sealed(flipped(archive, place)) != sealed(archive) for place in np.linspace(0, 0.95, 20))
