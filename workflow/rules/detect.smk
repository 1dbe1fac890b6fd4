rule detect:
    input:
        STORE,
        settings=settings_of("detect"),
        scores=test_scores,
    output:
        detections=RUN / paths.DETECTIONS,
        rounds=RUN / paths.ROUNDS,
    log:
        f"{LOGS}/detect/{{variant}}_seed{{seed}}.log",
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
        code=code_of("detect", "detection.fusion"),
    shell:
        "wtal detect --settings {input.settings} --data {params.data} --scores {input.scores}"
        " --detections {output.detections} --rounds {output.rounds} > {log} 2>&1"
