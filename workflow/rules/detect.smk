RUN = f"{RESULTS}/{{variant}}/seed{{seed}}"


def test_scores(wildcards):
    return all_rounds(wildcards, "scores_test.npz")


rule detect:
    input:
        STORE,
        settings=f"{SETTINGS}/{{variant}}/detect.json",
        scores=test_scores,
    output:
        detections=f"{RUN}/detections.json",
        rounds=f"{RUN}/rounds.npz",
    params:
        data=f"{RESULTS}/data",
        code=code_digest("localise"),
    log:
        f"{LOGS}/detect/{{variant}}_seed{{seed}}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    conda:
        "../envs/wtal.yaml"
    shell:
        "wtal detect --settings {input.settings} --data {params.data} --scores {input.scores}"
        " --detections {output.detections} --rounds {output.rounds} > {log} 2>&1"
