"""A round of training: the checkpoint of the round before, this round's labels and, for delta, the previous ones."""

ROUND = f"{RESULTS}/{{variant}}/seed{{seed}}/round{{round}}"
ROUND_FILES = ("checkpoint.pt", "scores_train.npz", "scores_test.npz", "training.csv")
TRAINING_CODE = code_digest("model")
# Carried by the checkpoint for `wtal predict`. Nothing is trained anew when it changes: no figure depends on it.
CARRIED = ancient(f"{SETTINGS}/{{variant}}/detect.json")


def checkpoint_before(wildcards):
    return f"{before(wildcards)}/checkpoint.pt"


def labels_before(wildcards):
    return f"{before(wildcards)}/labels.npz"


def given(wildcards, input):
    """The files that a round goes on from, as options of `wtal train`; none in round 0."""
    options = {"checkpoint": "--checkpoint", "labels": "--labels", "previous": "--previous-labels"}
    return " ".join(f"{option} {input[name]}" for name, option in options.items() if name in input.keys())


rule train_base:
    input:
        STORE,
        settings=f"{SETTINGS}/{{variant}}/round{{round}}.json",
        detection=CARRIED,
    output:
        expand(f"{ROUND}/{{file}}", file=ROUND_FILES, allow_missing=True),
    wildcard_constraints:
        variant=BASE,
        round="0",
    params:
        data=f"{RESULTS}/data",
        folder=ROUND,
        given=given,
        code=TRAINING_CODE,
    log:
        f"{LOGS}/train/{{variant}}_seed{{seed}}_round{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{variant}}_seed{{seed}}_round{{round}}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=720,
    conda:
        "../envs/wtal.yaml"
    shell:
        "OMP_NUM_THREADS={threads} wtal train --settings {input.settings} --data {params.data}"
        " --seed {wildcards.seed} {params.given} --detection {input.detection} --out {params.folder} > {log} 2>&1"


use rule train_base as train_round with:
    input:
        STORE,
        settings=f"{SETTINGS}/{{variant}}/round{{round}}.json",
        detection=CARRIED,
        checkpoint=checkpoint_before,
        labels=f"{ROUND}/labels.npz",
    wildcard_constraints:
        variant=PLAIN,
        round=r"[1-9]\d*",


use rule train_base as train_delta with:
    input:
        STORE,
        settings=f"{SETTINGS}/{{variant}}/round{{round}}.json",
        detection=CARRIED,
        checkpoint=checkpoint_before,
        labels=f"{ROUND}/labels.npz",
        previous=labels_before,
    wildcard_constraints:
        variant=DELTA,
        round=r"[1-9]\d*",
