"""Where the files of the suite lie, and what each step takes; wtal/suite/plan.py says which rounds variants share."""

import re

from wtal.base.digests import digest_of_command

RESULTS = f"results/{SUITE.name}"
LOGS = f"logs/{SUITE.name}"
BENCHMARKS = f"{RESULTS}/benchmarks"
SETTINGS = f"{RESULTS}/settings"
RAW = [path for path in [f"{SETTINGS}/raw.json"] if os.path.isfile(path)]  # a kind without raw files has none
STORE = multiext(f"{RESULTS}/data/", "features.npy", "videos.csv", "video_labels.csv", "annotations.csv", "meta.json")
SEEDS, VARIANTS = SUITE.file.seeds, list(SUITE.variants)


def owned(nodes):
    """A pattern for the variants that train these rounds themselves; it looks ahead to the round in the path."""
    names = [rf"{node.variant}(?=/seed\d+/round{node.round_index}/)" for node in nodes]
    return "|".join(names) or "(?!)"


def folder_of(wildcards, round_index):
    """The folder in which a variant's round is trained, which is that of the first variant that shares it."""
    owner = SUITE.nodes[wildcards.variant, round_index].owner
    return f"{RESULTS}/{owner}/seed{wildcards.seed}/round{round_index}"


def before(wildcards):
    """The folder of the round before."""
    return folder_of(wildcards, int(wildcards.round) - 1)


def all_rounds(wildcards, name, first=0):
    """A file of every round that a variant uses, from `first` on."""
    rounds = range(first, SUITE.variants[wildcards.variant].rounds + 1)
    return [f"{folder_of(wildcards, index)}/{name}" for index in rounds]


NODES = SUITE.owned_nodes()
BASE = owned(node for node in NODES if node.round_index == 0)
PLAIN = owned(node for node in NODES if node.round_index and not node.is_delta)
DELTA = owned(node for node in NODES if node.is_delta)
LABELLED = owned(node for node in NODES if node.round_index)
WITH_DROPOUT = owned(node for node in NODES if node.scores_with_dropout)
SHARED = owned(node for node in SUITE.nodes.values() if node.owner != node.variant)

RUN = f"{RESULTS}/{{variant}}/seed{{seed}}"
ROUND = f"{RUN}/round{{round}}"
ROUND_FILES = ("checkpoint.pt", "scores_train.npz", "scores_test.npz", "training.csv")
# Read by a job, and nothing is made anew when they change. What the checkpoint carries for `wtal predict`:
CARRIED = ancient(f"{SETTINGS}/{{variant}}/detect.json")
# When a collapse is warned of, or ends the job; what of it decides a result is in the settings of the round too.
COLLAPSE = ancient(f"{SETTINGS}/{{variant}}/collapse.json")


def checkpoint_before(wildcards):
    return f"{before(wildcards)}/checkpoint.pt"


def labels_before(wildcards):
    return f"{before(wildcards)}/labels.npz"


def given(wildcards, input):
    """The files that a round goes on from, as options of `wtal train`; none in round 0."""
    options = {"checkpoint": "--checkpoint", "labels": "--labels", "previous": "--previous-labels"}
    return " ".join(f"{option} {input[name]}" for name, option in options.items() if name in input.keys())


def settings_before(wildcards):
    round_index = int(wildcards.round) - 1
    owner = SUITE.nodes[wildcards.variant, round_index].owner
    return f"{SETTINGS}/{owner}/round{round_index}.json"


def scores_before(wildcards):
    if SUITE.nodes[wildcards.variant, int(wildcards.round)].scores_with_dropout:
        return f"{RESULTS}/{wildcards.variant}/seed{wildcards.seed}/round{wildcards.round}/scores_train_dropout.npz"
    return f"{before(wildcards)}/scores_train.npz"


def test_scores(wildcards):
    return all_rounds(wildcards, "scores_test.npz")


def labels_of_rounds(wildcards):
    return all_rounds(wildcards, "labels.npz", first=1)


# What the report is made of.
TABLES = multiext(
    f"{RESULTS}/",
    "metrics.csv",
    "ablation.csv",
    "ablation.md",
    "ablation.tex",
    "power.csv",
    "main.csv",
    "main.md",
    "main.tex",
    "per_class.csv",
    "rounds.csv",
    "label_quality.md",
    "label_quality.tex",
    "training.csv",
    "provenance.json",
    "summary.json",
)
FIGURE_NAMES = ["ablation", "rounds", "training", "per_class"] + [
    f"timeline_{number}" for number in range(1, SUITE.file.report.timeline_videos + 1)
]
FIGURES = expand(f"{RESULTS}/figures/{{name}}.{{form}}", name=FIGURE_NAMES, form=("svg", "png"))
REPORT = f"{RESULTS}/report.html"
SHOWN = SUITE.file.report.timeline_variant or VARIANTS[-1]
PUBLISHED = [path for name in SUITE.file.report.published if os.path.isfile(path := f"results/published/{name}.csv")]


def shown_run(name, first=0):
    """A file of every round of the variant and seed that the timelines show."""
    rounds = range(first, SUITE.variants[SHOWN].rounds + 1)
    owners = [SUITE.nodes[SHOWN, index].owner for index in rounds]
    return [f"{RESULTS}/{owner}/seed{SEEDS[0]}/round{index}/{name}" for owner, index in zip(owners, rounds)]


def of_every_round(*names, first=0):
    """These files of every round that is trained, for every seed."""
    folders = [
        f"{node.variant}/seed{seed}/round{node.round_index}"
        for node in NODES
        for seed in SEEDS
        if node.round_index >= first
    ]
    return [f"{RESULTS}/{folder}/{name}" for folder in folders for name in names]


# Wanted along with the report, so that a file that went missing is made again although the report still stands.
RUNS = [
    *of_every_round(*ROUND_FILES),
    *of_every_round("labels.npz", first=1),
    *expand(f"{RUN}/{{name}}", variant=VARIANTS, seed=SEEDS, name=("detections.json", "rounds.npz", "metrics.json")),
]


wildcard_constraints:
    variant="|".join(VARIANTS),
    seed=r"\d+",
    round=r"\d+",
