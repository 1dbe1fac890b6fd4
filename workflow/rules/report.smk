rule make_tables:
    input:
        STORE,
        of_every_round("training.csv"),
        expand(f"{RESULTS}/{{variant}}/seed{{seed}}/metrics.json", variant=VARIANTS, seed=SEEDS),
        expand(f"{RESULTS}/{{variant}}/seed{{seed}}/rounds.npz", variant=VARIANTS, seed=SEEDS),
        [f"{RESULTS}/{SUITE.nodes[VARIANTS[0], 0].owner}/seed{seed}/round0/scores_test.npz" for seed in SEEDS],
        PUBLISHED,
        settings=f"{SETTINGS}/report.json",
    output:
        report(TABLES[0], caption="../report/metrics.rst", category="Tables"),
        report(TABLES[1], caption="../report/ablation.rst", category="Tables"),
        TABLES[2:],
    log:
        f"{LOGS}/make_tables.log",
    conda:
        "../envs/wtal.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        data=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
        code=digest_of_command("tables"),
    shell:
        "wtal tables --report {input.settings} --data {params.data} --results {params.folder}"
        " --out {params.folder} > {log} 2>&1"


rule make_figures:
    input:
        STORE,
        TABLES,
        shown_run("scores_train.npz"),
        shown_run("scores_test.npz"),
        shown_run("labels.npz", first=1),
        f"{RESULTS}/{SHOWN}/seed{SEEDS[0]}/rounds.npz",
        f"{SETTINGS}/figures.json",
        settings=f"{SETTINGS}/report.json",
    output:
        f"{RESULTS}/timelines.json",
        report(FIGURES, caption="../report/figures.rst", category="Figures"),
    log:
        f"{LOGS}/make_figures.log",
    conda:
        "../envs/wtal.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        data=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
        code=digest_of_command("figures"),
    shell:
        "wtal figures --report {input.settings} --data {params.data} --results {params.folder}"
        " --out {params.folder} > {log} 2>&1"


rule make_report:
    input:
        TABLES,
        FIGURES,
        f"{RESULTS}/timelines.json",
        f"{SETTINGS}/page.json",
        settings=f"{SETTINGS}/report.json",
    output:
        REPORT,
    log:
        f"{LOGS}/make_report.log",
    conda:
        "../envs/wtal.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output[0], parent=True),
        code=digest_of_command("report"),
    shell:
        "wtal report --report {input.settings} --results {params.folder} --out {output} > {log} 2>&1"
