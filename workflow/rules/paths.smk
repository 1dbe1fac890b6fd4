"""What each step takes; wtal/suite/paths.py says where files lie, wtal/suite/plan.py which rounds variants share."""

import re

from wtal.base.code.digests import digest_of_command
from wtal.base.members import reference_of
from wtal.data.store.tables import STORE_FILES
from wtal.report.explorer import names as explorer
from wtal.report.figures import names as figures
from wtal.report.tables import names as tables
from wtal.suite import paths

PATHS = paths.SuitePaths.of(SUITE.name)
IN_STORAGE = workflow.storage_settings.default_storage_provider is not None
LOGS = f"logs/{SUITE.name}"
BENCHMARKS = PATHS.benchmarks
RAW = [path for path in [PATHS.settings("raw")] if path.is_file()]  # a kind without raw files has none
STORE = [PATHS.data / name for name in STORE_FILES]
PROTOCOL = [reference_of(SUITE.file.evaluation.protocol)]
SEEDS, VARIANTS = SUITE.file.seeds, list(SUITE.variants)


def owned(nodes):
    """A pattern for the variants that train these rounds themselves."""
    return paths.pattern_of_owners((node.variant, node.round_index) for node in nodes)


def settings_of(step, index=""):
    """What a step of a variant depends on; index: of the round."""
    return PATHS.settings(step, "{variant}", index)


def folder_of(wildcards, round_index):
    """The folder in which a variant's round is trained, which is that of the first variant that shares it."""
    owner = SUITE.nodes[wildcards.variant, round_index].owner
    return PATHS.round(owner, wildcards.seed, round_index)


def before(wildcards):
    """The folder of the round before."""
    return folder_of(wildcards, int(wildcards.round) - 1)


def all_rounds(wildcards, name, first=0):
    """A file of every round that a variant uses, from `first` on."""
    rounds = range(first, SUITE.variants[wildcards.variant].rounds + 1)
    return [folder_of(wildcards, index) / name for index in rounds]


def features_mb():
    """The features' size, 0 before there are any; jobs ask again when they are submitted."""
    path = PATHS.data / "features.npy"
    return path.stat().st_size / 1e6 if path.is_file() else 0


def memory_of(least, shares=1):
    """Memory in MB: `least`, and so many times the features; more on a later attempt."""
    return lambda wildcards, attempt: bound_of_memory(least, features_mb(), shares, attempt)


def minutes(least, together=None):
    """A limit of time, longer on a later attempt; together: of all that is submitted as one job."""
    return lambda wildcards, attempt: asked_minutes(least, together or least, attempt)


def minutes_of_rounds(own):
    """A limit of time for a step of a round: `own`, or that of its training, of all that a variant's rounds ask for."""

    def asked(wildcards, attempt):
        size = features_mb()
        variant = SUITE.variants[wildcards.variant]
        owned_rounds = [node for node in NODES if node.variant == wildcards.variant]
        needed = {node.round_index: training_minutes(variant, node, size) for node in owned_rounds}
        together = sum(needed.values()) + len(needed) * 2 * LABEL_MINUTES
        return asked_minutes(own or needed[int(wildcards.round)], together, attempt)

    return asked


def training_minutes(variant, node, size):
    """Of a round; how long the command of an external method takes nobody knows."""
    first = variant.last_epoch(node.round_index - 1) if node.round_index else 0
    n_epochs = variant.last_epoch(node.round_index) - first
    return EXTERNAL_MINUTES if node.is_external else bound_of_training(n_epochs, size)


NODES = SUITE.owned_nodes()
EXTERNAL = owned(node for node in NODES if node.is_external)
BASE = owned(node for node in NODES if not node.is_external and node.round_index == 0)
PLAIN = owned(node for node in NODES if not node.is_external and node.round_index and not node.is_delta)
DELTA = owned(node for node in NODES if not node.is_external and node.is_delta)
LABELLED = owned(node for node in NODES if node.round_index)
WITH_DROPOUT = owned(node for node in NODES if node.scores_with_dropout)
SHARED = owned(node for node in SUITE.nodes.values() if node.owner != node.variant)

LABEL_MINUTES, EXTERNAL_MINUTES, LIGHT_MINUTES = 20, 180, 10
ALL_LIGHT = LIGHT_MINUTES * max(1, len(VARIANTS))  # of a seed: two steps a variant, two at a time

# One job of a cluster each: the rounds that a variant trains with a seed; what is light of a seed, for all variants.
ROUNDS, LIGHT = "rounds_{variant}_seed{seed}", "light_seed{seed}"

RUN = PATHS.run("{variant}", "{seed}")
ROUND = PATHS.round("{variant}", "{seed}", "{round}")
# Read by a job, and nothing is made anew when they change. What the checkpoint carries for `wtal predict`:
CARRIED = ancient(settings_of("detect"))
# When a collapse is warned of, or ends the job; what of it decides a result is in the settings of the round too.
COLLAPSE = ancient(settings_of("collapse"))


def checkpoint_before(wildcards):
    return before(wildcards) / paths.CHECKPOINT


def labels_before(wildcards):
    return before(wildcards) / paths.LABELS


def labels_before_or_none(wildcards):
    return [labels_before(wildcards)] if int(wildcards.round) > 1 else []


def given(wildcards, input):
    """The files that a round goes on from, as options of `wtal train`; none in round 0."""
    options = {"checkpoint": "--checkpoint", "labels": "--labels", "previous": "--previous-labels"}
    return " ".join(f"{option} {input[name]}" for name, option in options.items() if name in input.keys())


def code_of(command, *keys, also=()):
    """The digest of a command's code, with that of what a variant's method has under these keys, and of others."""
    return lambda wildcards: digest_of_command(
        command, members=[*SUITE.variants[wildcards.variant].members(*keys), *also]
    )


def external_files(wildcards):
    """Files that the command of an external method names."""
    return SUITE.variants[wildcards.variant].method.base.files()


def external_labels(wildcards):
    """The labels of an external method's round, and from round 2 on those of the round before."""
    round_index = int(wildcards.round)
    return [folder_of(wildcards, index) / paths.LABELS for index in (round_index, round_index - 1) if index > 0]


def external_options(wildcards, input):
    """The labels of an external method's round, as options."""
    return " ".join(f"{option} {path}" for option, path in zip(("--labels", "--previous-labels"), input.labels))


def settings_before(wildcards):
    round_index = int(wildcards.round) - 1
    owner = SUITE.nodes[wildcards.variant, round_index].owner
    return PATHS.settings("round", owner, round_index)


def scores_before(wildcards):
    if SUITE.nodes[wildcards.variant, int(wildcards.round)].scores_with_dropout:
        return PATHS.round(wildcards.variant, wildcards.seed, wildcards.round) / paths.DROPOUT_SCORES
    return before(wildcards) / paths.TRAIN_SCORES


def test_scores(wildcards):
    return all_rounds(wildcards, paths.TEST_SCORES)


def labels_of_rounds(wildcards):
    return all_rounds(wildcards, paths.LABELS, first=1)


# What the report is made of.
TABLES = [PATHS.root / name for name in tables.table_names(bool(SUITE.effects))]
FIGURE_NAMES = figures.figure_names(SUITE.file.report.timeline_videos)
FIGURES = [PATHS.figure(name, form) for name in FIGURE_NAMES for form in figures.PICTURES]
TIMELINES, REPORT = PATHS.root / figures.TIMELINES, PATHS.root / paths.REPORT
EXPLORED = [PATHS.root / name for name in (explorer.EXPLORER, explorer.DIAGNOSIS)]
SHOWN = SUITE.file.report.timeline_variant or VARIANTS[-1]
PUBLISHED = [local(path) for name in SUITE.file.report.published if (path := paths.PUBLISHED / f"{name}.csv").is_file()]


def shown_run(name, first=0):
    """A file of every round of the variant and seed that the timelines show."""
    rounds = range(first, SUITE.variants[SHOWN].rounds + 1)
    owners = [SUITE.nodes[SHOWN, index].owner for index in rounds]
    return [PATHS.round(owner, SEEDS[0], index) / name for owner, index in zip(owners, rounds)]


BASES = [base["name"] for base in SUITE.effects.get("bases", [])]
EXPLORED_VARIANTS = explorer.shown_of(SUITE.file.variants, BASES, SUITE.file.report.timeline_variant)


def explored(name):
    """A file of the variants whose detections are shown video by video, for every seed."""
    return [PATHS.run(variant, seed) / name for variant in EXPLORED_VARIANTS for seed in SEEDS]


def scores_of_explored():
    """The test scores of the first seed of those variants, after their last round."""
    last = {name: SUITE.nodes[name, SUITE.variants[name].rounds] for name in EXPLORED_VARIANTS}
    return [PATHS.round(node.owner, SEEDS[0], node.round_index) / paths.TEST_SCORES for node in last.values()]


def of_every_round(*names, first=0):
    """These files of every round that is trained, for every seed; an external method has no checkpoint."""
    return [
        PATHS.round(node.variant, seed, node.round_index) / name
        for node in NODES
        for seed in SEEDS
        for name in names
        if node.round_index >= first and not (node.is_external and name == paths.CHECKPOINT)
    ]


def of_every_run(*names):
    """These files of every variant and seed."""
    return [PATHS.run(variant, seed) / name for variant in VARIANTS for seed in SEEDS for name in names]


# Wanted along with the report, so that a file that went missing is made again although the report still stands.
RUNS = [
    *of_every_round(*paths.ROUND_FILES),
    *of_every_round(paths.LABELS, first=1),
    *of_every_run(*paths.RUN_FILES),
]


wildcard_constraints:
    variant="|".join(VARIANTS),
    seed=r"\d+",
    round=r"\d+",
