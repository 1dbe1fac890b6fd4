rule detect:
    input:
        STORE,
        settings=f"{SETTINGS}/{{variant}}/detect.json",
        scores=test_scores,
    output:
        detections=f"{RUN}/detections.json",
        rounds=f"{RUN}/rounds.npz",
    log:
        f"{LOGS}/detect/{{variant}}_seed{{seed}}.log",
    conda:
        "../envs/wtal.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        data=subpath(input[0], parent=True),
        code=code_of("detect", "detection.fusion"),
    shell:
        "wtal detect --settings {input.settings} --data {params.data} --scores {input.scores}"
        " --detections {output.detections} --rounds {output.rounds} > {log} 2>&1"
