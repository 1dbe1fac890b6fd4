"""What ingredients do on each base network of a suite, over all of them, and how variants rank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_run import make_run, suite_values

from wtal.base.errors import InputError
from wtal.base.files import DIGESTS
from wtal.cli import main
from wtal.report.explorer.names import shown_of
from wtal.report.inputs.plan import read_plan
from wtal.report.page.page import write_page
from wtal.report.tables.ablation import read_ablation
from wtal.report.tables.effects import read_effects, read_ranks
from wtal.report.tables.names import table_names
from wtal.report.tables.tables import write_tables
from wtal.suite.plan import suite_from_mapping

PUBLISHED = Path(__file__).resolve().parents[1] / "results" / "published"
BASES = ("rskp", "basnet", "cola")


def values(**changes: Any) -> dict[str, Any]:
    """The made-up suite on three base networks, with a third variant between its two."""
    plain = suite_values()
    variants = {
        "base": plain["variants"]["base"],
        "whole": plain["variants"]["whole"],
        "half": {"title": "labels", "compare_with": "base", "override": {"labels": {"maker": "naive"}}},
    }
    return plain | {
        "seeds": [0, 1, 2],
        "bases": {name: {"title": name.upper(), "override": {"base": name}} for name in BASES},
        "variants": variants,
        "report": {"title": "A made-up run"},
        "effects": {
            "labels": {"title": "labels against none", "of": ["whole"], "against": ["base"]},
            "both": {"title": "any labels against none", "of": ["whole", "half"], "against": ["base"]},
        },
        "ranked": ["base", "half", "whole"],
        **changes,
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("effects"), values())
    write_tables(folder / "settings" / "report.json", folder / "data", folder, folder, PUBLISHED)
    return folder


def rows(frame: pd.DataFrame, effect: str) -> dict[str, Any]:
    """The rows of an effect by base network."""
    return {row["base"]: row for row in frame[frame["effect"] == effect].to_dict("records")}


def test_a_suite_with_effects_has_their_tables_too(results: Path, tmp_path: Path) -> None:
    write_tables(results / "settings" / "report.json", results / "data", results, tmp_path, PUBLISHED)
    assert {path.name for path in tmp_path.iterdir()} == {*table_names(has_matrix=True), DIGESTS}
    assert all((tmp_path / name).read_bytes() == (results / name).read_bytes() for name in ("effects.md", "ranks.csv"))


def test_an_effect_on_a_base_network_is_the_paired_difference_of_the_ablation(results: Path) -> None:
    ablation = {row["variant"]: row for row in read_ablation(results / "ablation.csv").to_dict("records")}
    effects = rows(read_effects(results / "effects.csv"), "labels")
    for base in BASES:
        row, known = effects[base], ablation[f"{base}_whole"]
        assert row["estimate"] == known["difference"]
        for bound in ("low", "high", "videos_low", "videos_high"):
            assert row[bound] == known[f"difference_{bound}"]
        assert row["strength"] == ablation[f"{base}_base"]["mean"]
        assert row["base_title"] == base.upper()


def test_the_mean_over_base_networks_and_the_slope_are_those_of_their_effects(results: Path) -> None:
    for effect in ("labels", "both"):
        found = rows(read_effects(results / "effects.csv"), effect)
        estimates = [found[base]["estimate"] for base in BASES]
        strengths = [found[base]["strength"] for base in BASES]
        assert found["all"]["estimate"] == pytest.approx(np.mean(estimates), abs=1e-3)
        assert found["slope"]["estimate"] == pytest.approx(10 * np.polyfit(strengths, estimates, 1)[0], abs=0.05)
        assert found["all"]["low"] <= found["all"]["estimate"] <= found["all"]["high"]


def test_an_effect_of_several_variants_is_their_mean(results: Path) -> None:
    ablation = {row["variant"]: row["difference"] for row in read_ablation(results / "ablation.csv").to_dict("records")}
    for base in BASES:
        expected = (ablation[f"{base}_whole"] + ablation[f"{base}_half"]) / 2
        assert rows(read_effects(results / "effects.csv"), "both")[base]["estimate"] == pytest.approx(
            expected, abs=1e-3
        )


def test_ranks_are_shared_out_among_the_variants(results: Path) -> None:
    ranks = read_ranks(results / "ranks.csv")
    assert list(ranks["variant"]) == ["base", "half", "whole"]
    assert ranks["rank"].sum() == pytest.approx(1 + 2 + 3, abs=1e-3)
    assert ranks["best_on"].sum() == len(BASES)
    assert (ranks["low"] <= ranks["rank"]).all()
    assert (ranks["high"] >= ranks["rank"]).all()
    assert ranks.loc[ranks["rank"].idxmin(), "mean"] == ranks["mean"].max()


def test_a_suite_without_bases_has_effects_of_its_own(tmp_path: Path) -> None:
    changed = {key: value for key, value in values().items() if key != "bases"}
    folder = make_run(tmp_path, changed)
    write_tables(folder / "settings" / "report.json", folder / "data", folder, folder, PUBLISHED)
    effects = read_effects(folder / "effects.csv")
    assert list(effects["effect"]) == ["labels", "both"]
    assert "| any labels against none |" in (folder / "effects.md").read_text()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"effects": {"labels": {"title": "x", "of": ["hole"], "against": ["base"]}}},
            "effects.labels: expected variants of this suite (did you mean 'whole'?); got 'hole'",
        ),
        ({"effects": {"labels": {"title": "x", "of": [], "against": ["base"]}}}, "effects.labels.of"),
        ({"ranked": ["rskp_base"]}, "ranked: expected variants of this suite"),
    ],
)
def test_an_effect_of_what_is_not_there_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        suite_from_mapping(values(**change), "made-up.yaml")
    assert sentence in str(error.value)


def test_several_suites_stand_beside_each_other(results: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "effects.csv").write_bytes((results / "effects.csv").read_bytes())
    for name in ("one", "again"):
        assert main(["matrix", str(results), str(other), "--out", str(tmp_path / name)]) == 0
    written = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert written == ["effects.csv", "effects.md", "forest.png", "forest.svg", "strength.png", "strength.svg"]
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in written)
    together = pd.read_csv(tmp_path / "one/effects.csv")
    assert set(together["suite"]) == {"made-up", "other"}
    assert len(together) == 2 * len(read_effects(results / "effects.csv"))
    assert "any labels against none" in (tmp_path / "one/forest.svg").read_text()


def test_figures_show_the_effects_that_are_named_and_tables_all(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = list(read_effects(results / "effects.csv")["effect"].unique())
    titles = dict(read_effects(results / "effects.csv")[["effect", "title"]].itertuples(index=False))
    command = ["matrix", str(results), "--out", str(tmp_path / "out"), "--effects"]
    assert main([*command, names[1]]) == 0
    picture = (tmp_path / "out/forest.svg").read_text()
    assert f">{titles[names[1]]}<" in picture
    assert f">{titles[names[0]]}<" not in picture
    assert list(pd.read_csv(tmp_path / "out/effects.csv")["effect"].unique()) == names
    capsys.readouterr()
    assert main([*command, "nothing"]) == 2
    assert f"--effects: expected one of {names[0]}" in capsys.readouterr().err


def test_a_suite_without_effects_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "effects.csv" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_page_shows_each_effect_over_all_base_networks_and_then_on_each(results: Path) -> None:
    write_page(results / "settings" / "report.json", results, results / "report.html")
    page = (results / "report.html").read_text(encoding="utf-8")
    first, _, on_each = page.partition("On each base network")
    assert first.count("<bdi>average over 3 base networks</bdi>") == 2
    assert on_each.count("<bdi>average over 3 base networks</bdi>") == 2
    effects = read_effects(results / "effects.csv")
    for title in ("labels against none", "any labels against none"):
        assert title in first
        assert title in on_each
    for name in BASES:
        strength = rows(effects, "labels")[name]["strength"]
        assert f"{name.upper()}, {strength:.1f} by itself" in on_each
        assert f"{name.upper()}, {strength:.1f} by itself" not in first


def test_every_variant_is_told_apart_from_the_first_on_its_own_base_network(results: Path) -> None:
    ablation = read_ablation(results / "ablation.csv")
    own = ablation[ablation["control"] == "no"]
    assert set(own["base"]) == {f"{name}_base" for name in BASES}
    for row in own.to_dict("records"):
        assert row["base"].partition("_")[0] == row["variant"].partition("_")[0]
        assert np.isnan(row["base_difference"]) == (row["base"] == row["variant"])
    plan = read_plan(results / "settings" / "report.json")
    assert (plan.base, plan.whole_method) == ("cola_base", "cola_half")
    assert shown_of(plan.file.variants, plan.bases, None) == ["cola_base", "cola_half"]
