def labels_of_rounds(wildcards):
    return all_rounds(wildcards, "labels.npz", first=1)


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
    params:
        data=f"{RESULTS}/data",
        code=code_digest("evaluate"),
    log:
        f"{LOGS}/evaluate/{{variant}}_seed{{seed}}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    conda:
        "../envs/wtal.yaml"
    shell:
        "wtal evaluate-run --settings {input.settings} {input.detect_settings}"
        " --detections-of-rounds {input.rounds} --data {params.data} --scores {input.scores} --labels {input.labels}"
        " --variant {wildcards.variant} --seed {wildcards.seed} --out {output} > {log} 2>&1"
