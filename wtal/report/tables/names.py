"""The files that `wtal tables` writes; the workflow asks for them, and a test holds that there are no others."""

from __future__ import annotations

PROVENANCE, SUMMARY = "provenance.json", "summary.json"
TABLES = (
    "metrics.csv",
    "ablation.csv",
    "ablation.md",
    "ablation.tex",
    "contrasts.csv",
    "power.csv",
    "main.csv",
    "main.md",
    "main.tex",
    "per_class.csv",
    "rounds.csv",
    "label_quality.md",
    "label_quality.tex",
    "training.csv",
    PROVENANCE,
    SUMMARY,
)
MATRIX_TABLES = ("effects.csv", "effects.md", "ranks.csv", "ranks.md")  # of a suite that has effects or ranks


def table_names(has_matrix: bool) -> tuple[str, ...]:
    """Those of a suite."""
    return (*TABLES, *(MATRIX_TABLES if has_matrix else ()))
