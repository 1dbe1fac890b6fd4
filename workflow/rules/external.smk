"""A round of an external method: its own command makes the scores; there is no checkpoint."""


rule train_external:
    input:
        STORE,
        settings=settings_of("round", "{round}"),
        files=external_files,
        labels=external_labels,
    output:
        [ROUND / name for name in paths.EXTERNAL_FILES],
    log:
        f"{LOGS}/train/{{variant}}_seed{{seed}}_round{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{variant}}_seed{{seed}}_round{{round}}.tsv"
    wildcard_constraints:
        variant=EXTERNAL,
    group:
        ROUNDS
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(4000, shares=6),
        runtime=minutes_of_rounds(None),
    params:
        data=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
        given=external_options,
        code=code_of("train-external", "base"),
    shell:
        "OMP_NUM_THREADS={threads} wtal train-external --settings {input.settings} --data {params.data}"
        " --seed {wildcards.seed} {params.given} --out {params.folder} > {log} 2>&1"
