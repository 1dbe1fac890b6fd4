"""Pseudo labels of a round, from the training scores of the round before; no torch here but for dropout's scores."""


rule score_with_dropout:
    input:
        STORE,
        settings=settings_before,
        checkpoint=checkpoint_before,
    output:
        ROUND / paths.DROPOUT_SCORES,
    log:
        f"{LOGS}/score_with_dropout/{{variant}}_seed{{seed}}_round{{round}}.log",
    wildcard_constraints:
        variant=WITH_DROPOUT,
    group:
        ROUNDS
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(2000),
        runtime=minutes_of_rounds(LABEL_MINUTES),
    params:
        data=subpath(input[0], parent=True),
        code=code_of("score", "base"),
    shell:
        "wtal score --settings {input.settings} --data {params.data} --checkpoint {input.checkpoint}"
        " --seed {wildcards.seed} --dropout --out {output} > {log} 2>&1"


rule solve_labels:
    input:
        STORE,
        settings=settings_of("labels", "{round}"),
        scores=scores_before,
        previous=labels_before_or_none,
        collapse=COLLAPSE,
    output:
        ROUND / paths.LABELS,
    log:
        f"{LOGS}/solve_labels/{{variant}}_seed{{seed}}_round{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/solve_labels/{{variant}}_seed{{seed}}_round{{round}}.tsv"
    wildcard_constraints:
        variant=LABELLED,
    group:
        ROUNDS
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(2000),
        runtime=minutes_of_rounds(LABEL_MINUTES),
    params:
        data=subpath(input[0], parent=True),
        previous=lambda wildcards, input: f"--previous-labels {input.previous}" if input.previous else "",
        code=code_of("solve-labels", "labels.fusion", "labels.maker"),
    shell:
        "wtal solve-labels --settings {input.settings} --scores {input.scores} {params.previous} --data {params.data}"
        " --collapse {input.collapse} --out {output} > {log} 2>&1"


rule copy_shared_round:
    """A file of a round that another variant trains, for whoever asks for it under this variant's name."""
    input:
        lambda wildcards: folder_of(wildcards, int(wildcards.round)) / wildcards.file,
    output:
        ROUND / "{file}",
    log:
        f"{LOGS}/copy_shared_round/{{variant}}_seed{{seed}}_round{{round}}_{{file}}.log",
    wildcard_constraints:
        variant=SHARED,
        file="|".join(map(re.escape, {paths.LABELS, *paths.ROUND_FILES} - {paths.CHECKPOINT})),
    localrule: True
    conda:
        ENVIRONMENT
    shell:
        "cp {input} {output} 2> {log}"


rule set_detection:
    """The checkpoint of such a round, with this variant's own detection settings for `wtal predict`."""
    input:
        checkpoint=lambda wildcards: folder_of(wildcards, int(wildcards.round)) / paths.CHECKPOINT,
        detection=settings_of("detect"),
    output:
        ROUND / paths.CHECKPOINT,
    log:
        f"{LOGS}/set_detection/{{variant}}_seed{{seed}}_round{{round}}.log",
    wildcard_constraints:
        variant=SHARED,
    conda:
        ENVIRONMENT
    threads: 1
    params:
        code=digest_of_command("set-detection"),
    shell:
        "wtal set-detection --checkpoint {input.checkpoint} --detection {input.detection} --out {output} > {log} 2>&1"
