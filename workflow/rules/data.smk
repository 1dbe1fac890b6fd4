rule prepare:
    input:
        RAW,
        settings=PATHS.settings("data"),
    output:
        STORE,
    log:
        f"{LOGS}/prepare.log",
    benchmark:
        f"{BENCHMARKS}/prepare.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(2000),
        runtime=minutes(60),
    params:
        folder=subpath(output[0], parent=True),
        code=digest_of_command("prepare", members=[reference_of(SUITE.file.dataset)]),
    shell:
        "wtal prepare --settings {input.settings} --out {params.folder} > {log} 2>&1"
