rule evaluate:
    input:
        STORE,
        settings=f"{SETTINGS}/{{variant}}/evaluate.json",
        detect_settings=f"{SETTINGS}/{{variant}}/detect.json",
        rounds=f"{RUN}/rounds.npz",
        scores=test_scores,
        labels=labels_of_rounds,
    output:
        f"{RUN}/metrics.json",
    log:
        f"{LOGS}/evaluate/{{variant}}_seed{{seed}}.log",
    conda:
        "../envs/wtal.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        data=subpath(input[0], parent=True),
        code=digest_of_command("evaluate-run"),
    shell:
        "wtal evaluate-run --settings {input.settings} {input.detect_settings}"
        " --detections-of-rounds {input.rounds} --data {params.data} --scores {input.scores} --labels {input.labels}"
        " --variant {wildcards.variant} --seed {wildcards.seed} --out {output} > {log} 2>&1"
