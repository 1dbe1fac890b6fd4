"""Pseudo labels of a round, from the training scores of the round before; no torch here but for dropout's scores."""


def settings_before(wildcards):
    round_index = int(wildcards.round) - 1
    owner = SUITE.nodes[wildcards.variant, round_index].owner
    return f"{SETTINGS}/{owner}/round{round_index}.json"


def scores_before(wildcards):
    if SUITE.nodes[wildcards.variant, int(wildcards.round)].scores_with_dropout:
        return f"{RESULTS}/{wildcards.variant}/seed{wildcards.seed}/round{wildcards.round}/scores_train_dropout.npz"
    return f"{before(wildcards)}/scores_train.npz"


rule score_with_dropout:
    input:
        STORE,
        settings=settings_before,
        checkpoint=checkpoint_before,
    output:
        f"{ROUND}/scores_train_dropout.npz",
    wildcard_constraints:
        variant=WITH_DROPOUT,
    params:
        data=f"{RESULTS}/data",
        code=TRAINING_CODE,
    log:
        f"{LOGS}/score_with_dropout/{{variant}}_seed{{seed}}_round{{round}}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    conda:
        "../envs/wtal.yaml"
    shell:
        "wtal score --settings {input.settings} --data {params.data} --checkpoint {input.checkpoint}"
        " --seed {wildcards.seed} --dropout --out {output} > {log} 2>&1"


rule solve_labels:
    input:
        STORE,
        settings=f"{SETTINGS}/{{variant}}/labels{{round}}.json",
        scores=scores_before,
    output:
        f"{ROUND}/labels.npz",
    wildcard_constraints:
        variant=LABELLED,
    params:
        data=f"{RESULTS}/data",
        code=code_digest("localise"),
    log:
        f"{LOGS}/solve_labels/{{variant}}_seed{{seed}}_round{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/solve_labels/{{variant}}_seed{{seed}}_round{{round}}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    conda:
        "../envs/wtal.yaml"
    shell:
        "wtal solve-labels --settings {input.settings} --scores {input.scores} --data {params.data}"
        " --out {output} > {log} 2>&1"


rule copy_shared_round:
    """A file of a round that another variant trains, for whoever asks for it under this variant's name."""
    input:
        lambda wildcards: f"{folder_of(wildcards, int(wildcards.round))}/{wildcards.file}",
    output:
        f"{ROUND}/{{file}}",
    wildcard_constraints:
        variant=SHARED,
        file="labels.npz|" + "|".join(map(re.escape, ROUND_FILES)),
    log:
        f"{LOGS}/copy_shared_round/{{variant}}_seed{{seed}}_round{{round}}_{{file}}.log",
    localrule: True
    shell:
        "cp {input} {output} 2> {log}"
