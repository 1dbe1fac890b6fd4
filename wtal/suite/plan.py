"""A suite: one data set, one method, variants and seeds; and the plan of which rounds the variants share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError, nearest
from wtal.base.files import digest_of_value, read_yaml
from wtal.base.members import reference_of
from wtal.base.schema import from_mapping, to_mapping
from wtal.suite import method_settings as s
from wtal.suite.crossed import crossed, effects_of
from wtal.suite.file import SuiteFile, VariantEntry, extended, method_of
from wtal.suite.paths import settings_name
from wtal.suite.renamed import refuse_renamed_of_variants
from wtal.suite.step_settings import DetectSettings, EpochSettings, LabelRoundSettings, RoundSettings
from wtal.suite.training_settings import at_epoch


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant with its method settings resolved."""

    name: str
    entry: VariantEntry
    method: s.MethodSettings
    rounds: int  # label rounds it uses

    def last_epoch(self, round_index: int) -> int:
        """The epoch before which a round ends."""
        refresh = self.method.labels.refresh_epochs
        return refresh[round_index] if round_index < len(refresh) else self.method.training.epochs

    def members(self, *keys: str) -> list[str]:
        """`module:class` of the members of groups under some keys of the method, such as `labels.fusion`."""
        return [reference_of(attrgetter(key)(self.method)) for key in keys]


@dataclass(frozen=True, slots=True)
class Node:
    """One round of training of one variant; `owner` is the first variant whose settings up to it are the same."""

    variant: str
    round_index: int
    owner: str
    digest: str
    is_delta: bool  # it learns from the previous labels too
    scores_with_dropout: bool  # its labels are made from scores with dropout on
    is_external: bool  # a command makes its scores, and there is no checkpoint
    keeps_epoch_scores: bool  # one of the variants that share it reports the best epoch on the test set


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite file with its variants resolved and its rounds planned."""

    file: SuiteFile
    source: str
    variants: dict[str, Variant]
    nodes: dict[tuple[str, int], Node]
    effects: dict[str, Any]  # what the report is told of effects and ranks; empty: there are none

    @property
    def name(self) -> str:
        return self.file.suite

    def owned_nodes(self) -> list[Node]:
        """The rounds that are really trained: every node that owns itself."""
        return [node for node in self.nodes.values() if node.owner == node.variant]


def read_suite(path: str | Path) -> Suite:
    """Read and check a suite file, the files it extends, and every variant. Raises InputError."""
    return suite_from_mapping(read_yaml(path), path)


def suite_from_mapping(values: object, source: str | Path) -> Suite:
    """Check a suite given as a plain mapping; `source` is named in errors and is where `extends` starts from."""
    merged = extended(values, Path(source))
    refuse_renamed_of_variants(merged, source)
    read = from_mapping(SuiteFile, merged, file=source)
    file = crossed(read, source)
    if not read.bases:  # with them it need not be whole by itself
        method_of(file.method, {}, str(source))  # so that a fault in it is not blamed on a variant
    variants = {name: _variant(file, name, str(source)) for name in file.variants}
    for name, variant in variants.items():
        other = variant.entry.compare_with
        if other is not None and other not in variants:
            expected = f"a variant of this suite ({nearest(other, variants)})"
            raise InputError(file=source, key=f"variants.{name}.compare_with", expected=expected, got=repr(other))
    chosen = file.report.timeline_variant
    if chosen is not None and chosen not in variants:
        expected = f"a variant of this suite ({nearest(chosen, variants)})"
        raise InputError(file=source, key="report.timeline_variant", expected=expected, got=repr(chosen))
    return Suite(file, str(source), variants, _nodes(file, variants), effects_of(read, source))


def _variant(file: SuiteFile, name: str, source: str) -> Variant:
    entry = file.variants[name]
    key = f"variants.{name}.override" if entry.override else "method"
    method = method_of(file.method, entry.override, source, key)
    available = len(method.labels.refresh_epochs)
    if entry.rounds is not None and entry.rounds > available:
        expected = f"at most {available} rounds, one for each refresh"
        raise InputError(file=source, key=f"variants.{name}.rounds", expected=expected, got=entry.rounds)
    return Variant(name, entry, method, available if entry.rounds is None else entry.rounds)


def round_settings(suite: str, variant: Variant, round_index: int) -> RoundSettings:
    """What the training of one round of a variant uses, epoch by epoch."""
    method = variant.method
    is_paired = method.training.batch == "paired"
    first = method.labels.refresh_epochs[round_index - 1] if round_index else 0
    epochs = tuple(_epoch(method, epoch, round_index) for epoch in range(first, variant.last_epoch(round_index)))
    return RoundSettings(
        suite=suite,
        random_group=variant.entry.random_group,
        round_index=round_index,
        epochs=epochs,
        base=method.base,
        adam_betas=method.training.adam_betas,
        weight_decay=method.training.weight_decay,
        videos_per_step=method.training.videos_per_step,
        shuffle=method.training.shuffle,
        sampling=method.training.sampling,
        sampled_snippets=method.training.sampled_snippets,
        pairs=method.training.pairs if is_paired else 0,
        pair_replacement=is_paired and method.training.pair_replacement,
        keeps_epoch_scores=method.training.report_best_test_epoch,
        early_stopping=method.training.early_stopping,
        label_uncertainty=method.labels.uncertainty if round_index else 0.0,
        collapse=method.training.collapse.deciding(method.training.early_stopping),
    )


def _epoch(method: s.MethodSettings, epoch: int, round_index: int) -> EpochSettings:
    labels, delta = method.labels, method.delta
    first_used = labels.first_used_epoch
    if first_used is None and labels.refresh_epochs:
        first_used = labels.refresh_epochs[0]
    uses_labels = round_index > 0 and first_used is not None and epoch >= first_used
    scale = delta.scale_at(epoch)
    rate = at_epoch(method.training.learning_rate, epoch)
    return EpochSettings(
        epoch=epoch,
        learning_rate=rate * (delta.learning_rate_factor if delta.has_started(epoch) else 1.0),
        label_weight=labels.weight.at(epoch - labels.refresh_epochs[0]) if uses_labels else 0.0,
        label_scale=1.0 if scale is None else scale,
        is_delta=uses_labels and scale is not None,
    )


def label_settings(variant: Variant, round_index: int) -> LabelRoundSettings:
    """What the pseudo labels of one round (1 or above) of a variant are made with."""
    labels = variant.method.labels
    return LabelRoundSettings(
        round_index=round_index,
        refresh_epoch=labels.refresh_epochs[round_index - 1],
        proposals=variant.method.proposals,
        fusion=labels.fusion_of(round_index),
        maker=labels.maker,
        classes=labels.classes,
    )


def detect_settings(variant: Variant) -> DetectSettings:
    """What the detections of a variant are made with."""
    method = variant.method
    return DetectSettings(
        proposals=method.proposals,
        detection=method.detection,
        report_best_test_epoch=method.training.report_best_test_epoch,
    )


def evaluation_settings(suite: SuiteFile, variant: Variant) -> s.ScoringSettings:
    """How a variant is scored: as the suite says, with the preset's rule for a class without detections."""
    values = {field.name: getattr(suite.evaluation, field.name) for field in fields(s.ScoringSettings)}
    if values["missing_class"] is None:
        values["missing_class"] = s.PRESET_MISSING_CLASS[variant.method.preset]
    return s.ScoringSettings(**values)


def _nodes(file: SuiteFile, variants: Mapping[str, Variant]) -> dict[tuple[str, int], Node]:
    owners: dict[str, str] = {}
    nodes = {}
    for variant in variants.values():
        digest = ""
        for index in range(variant.rounds + 1):
            training = round_settings(file.suite, variant, index)
            with_dropout = index > 0 and variant.method.labels.dropout
            labels = to_mapping(label_settings(variant, index)) if index else None
            learnt = replace(training, keeps_epoch_scores=False)  # what is kept besides changes nothing in training
            digest = digest_of_value([digest, to_mapping(learnt), labels, with_dropout])  # of the rounds before too
            owner = owners.setdefault(digest, variant.name)
            is_delta = any(epoch.is_delta for epoch in training.epochs)
            is_external = variant.method.base.kind == "external"
            keeps = training.keeps_epoch_scores
            nodes[variant.name, index] = Node(
                variant.name, index, owner, digest, is_delta, with_dropout, is_external, keeps
            )
    keeping = {node.digest for node in nodes.values() if node.keeps_epoch_scores}
    return {key: replace(node, keeps_epoch_scores=node.digest in keeping) for key, node in nodes.items()}


def plan_files(suite: Suite) -> dict[str, Any]:
    """Every settings file of a suite: its path under results/<suite>/settings/ and its JSON value."""
    files: dict[str, Any] = {settings_name("data"): to_mapping(suite.file.dataset)}
    for variant in suite.variants.values():
        files[settings_name("detect", variant.name)] = to_mapping(detect_settings(variant))
        files[settings_name("collapse", variant.name)] = to_mapping(variant.method.training.collapse)
        files[settings_name("evaluate", variant.name)] = to_mapping(evaluation_settings(suite.file, variant))
        for index in range(variant.rounds + 1):
            node = suite.nodes[variant.name, index]
            if node.owner != variant.name:
                continue
            training = replace(round_settings(suite.name, variant, index), keeps_epoch_scores=node.keeps_epoch_scores)
            files[settings_name("round", variant.name, index)] = to_mapping(training)
            if index:
                files[settings_name("labels", variant.name, index)] = to_mapping(label_settings(variant, index))
    report = to_mapping(suite.file.report)
    files[settings_name("page")] = {key: report.pop(key) for key in ("title", "note")}
    files[settings_name("figures")] = {"timeline_videos": report.pop("timeline_videos")}
    files[settings_name("report")] = {
        **({"matrix": suite.effects} if suite.effects else {}),
        "suite": suite.name,
        "order": list(suite.variants),  # JSON objects are written with their keys sorted
        "seeds": list(suite.file.seeds),
        "evaluation": to_mapping(suite.file.evaluation),
        "report": report,
        "method": dict(suite.file.method),
        "variants": {
            name: {
                "title": variant.entry.title,
                "compare_with": variant.entry.compare_with,
                "group": variant.entry.group,
                "rounds": variant.rounds,
                "override": variant.entry.override,
                "owners": [suite.nodes[name, index].owner for index in range(variant.rounds + 1)],
            }
            for name, variant in suite.variants.items()
        },
    }
    return files
