rule evaluate:
    input:
        STORE,
        settings=settings_of("evaluate"),
        detect_settings=settings_of("detect"),
        rounds=RUN / paths.ROUNDS,
        scores=test_scores,
        labels=labels_of_rounds,
    output:
        RUN / paths.METRICS,
    log:
        f"{LOGS}/evaluate/{{variant}}_seed{{seed}}.log",
    group:
        LIGHT
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(2000),
        runtime=minutes(LIGHT_MINUTES, together=ALL_LIGHT),
        light=1,
    params:
        data=subpath(input[0], parent=True),
        code=code_of("evaluate-run", "detection.fusion", also=PROTOCOL),
    shell:
        "wtal evaluate-run --settings {input.settings} {input.detect_settings}"
        " --detections-of-rounds {input.rounds} --data {params.data} --scores {input.scores} --labels {input.labels}"
        " --variant {wildcards.variant} --seed {wildcards.seed} --out {output} > {log} 2>&1"
