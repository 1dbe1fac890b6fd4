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
