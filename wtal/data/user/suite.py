"""The suite file of one's own data: a starting point whose comments say what to tune."""

from __future__ import annotations

import json
from importlib import resources
from string import Template

import yaml

from wtal.base.schema import to_mapping
from wtal.data.convert.settings import FeatureData
from wtal.data.user.inspect import Inspection
from wtal.suite.plan import Suite, suite_from_mapping
from wtal.suite.training_settings import CollapseSettings

LEAST_STEPS = 20  # gradient steps in an epoch, where there are few videos
MOST_VIDEOS = 10  # videos in a step
WIDE = 2048  # columns
FIRST_STEPS = 300  # gradient steps in which a network that tells no classes apart has not collapsed, but not learnt yet
FIRST_EPOCHS = 30  # at most, where there are few videos: before the first labels
LARGEST_EMBEDDING = 512
ALWAYS = ("kind", "name", "snippets_per_second", "feature_size", "source", "licence", "citation")


def suite_text(found: Inspection) -> str:
    """The YAML text of a small suite: base, naive labels, optimised labels, optimised labels with delta."""
    n_train, n_classes = found.count("train"), len(found.classes)
    videos_per_step = max(1, min(MOST_VIDEOS, n_train // LEAST_STEPS))
    n_steps = max(1, -(-n_train // videos_per_step))
    # Features of I3D's 2048 columns have larger gradients for the same rate; narrower ones hardly learn at a lower one.
    first_rate = 0.0005 if found.feature_size < WIDE else 0.00005
    title = f"{found.request.name}: {n_classes} classes, own videos"
    template = Template((resources.files("wtal.data.user") / "suite.yaml").read_text(encoding="utf-8"))
    return template.substitute(
        suite=found.request.name,
        title=title,
        quoted_title=json.dumps(title, ensure_ascii=False),
        dataset=_dataset_lines(found.settings),
        embedding_size=min(LARGEST_EMBEDDING, max(32, found.feature_size)),
        first_rate=f"{first_rate:.10f}".rstrip("0"),
        second_rate=f"{first_rate * 0.8:.10f}".rstrip("0"),
        third_rate=f"{first_rate * 0.4:.10f}".rstrip("0"),
        videos_per_step=videos_per_step,
        n_train=n_train,
        n_steps=n_steps,
        collapse_from=min(FIRST_EPOCHS, max(CollapseSettings().first_epoch, -(-FIRST_STEPS // n_steps))),
        class_threshold=f"{max(0.01, min(0.1, 0.5 / (n_classes + 1))):.2g}",
        minimum_seconds=f"{2 / (found.rate or 1):.3g}",
    )


def suite_of(text: str, source: str) -> Suite:
    """The suite that a text describes, checked. Raises InputError naming the key that is wrong."""
    return suite_from_mapping(yaml.safe_load(text), source)


def _dataset_lines(settings: FeatureData) -> str:
    """The settings that differ from the default ones, and where the data come from; JSON's values are YAML's too."""
    usual = FeatureData(kind="features", name=settings.name, features="", annotations="")
    values, defaults = to_mapping(settings), to_mapping(usual)
    shown = {key: value for key, value in values.items() if key in ALWAYS or value != defaults[key]}
    lines = [f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in shown.items()]
    return "\n".join(lines)
