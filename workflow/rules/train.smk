"""A round of training: the checkpoint of the round before, this round's labels and, for delta, the previous ones."""


rule train_base:
    input:
        STORE,
        settings=settings_of("round", "{round}"),
        detection=CARRIED,
        collapse=COLLAPSE,
    output:
        [ROUND / name for name in paths.ROUND_FILES],
    log:
        f"{LOGS}/train/{{variant}}_seed{{seed}}_round{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{variant}}_seed{{seed}}_round{{round}}.tsv"
    wildcard_constraints:
        variant=BASE,
        round="0",
    group:
        ROUNDS
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(1500, shares=6),
        runtime=minutes_of_rounds(None),
    params:
        data=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
        given=given,
        code=code_of("train", "base"),
    shell:
        "OMP_NUM_THREADS={threads} wtal train --settings {input.settings} --data {params.data}"
        " --seed {wildcards.seed} {params.given} --detection {input.detection} --collapse {input.collapse}"
        " --out {params.folder} > {log} 2>&1"


use rule train_base as train_round with:
    input:
        STORE,
        settings=settings_of("round", "{round}"),
        detection=CARRIED,
        collapse=COLLAPSE,
        checkpoint=checkpoint_before,
        labels=ROUND / paths.LABELS,
    wildcard_constraints:
        variant=PLAIN,
        round=r"[1-9]\d*",


use rule train_base as train_delta with:
    input:
        STORE,
        settings=settings_of("round", "{round}"),
        detection=CARRIED,
        collapse=COLLAPSE,
        checkpoint=checkpoint_before,
        labels=ROUND / paths.LABELS,
        previous=labels_before,
    wildcard_constraints:
        variant=DELTA,
        round=r"[1-9]\d*",
