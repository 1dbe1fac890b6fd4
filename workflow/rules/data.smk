rule prepare:
    input:
        settings=f"{SETTINGS}/data.json",
    output:
        STORE,
    params:
        folder=f"{RESULTS}/data",
        code=code_digest("data"),
    log:
        f"{LOGS}/prepare.log",
    benchmark:
        f"{BENCHMARKS}/prepare.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    conda:
        "../envs/wtal.yaml"
    shell:
        "wtal prepare --settings {input.settings} --out {params.folder} > {log} 2>&1"
