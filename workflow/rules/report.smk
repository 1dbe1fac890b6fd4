rule make_tables:
    input:
        STORE,
        of_every_round(paths.TRAINING),
        of_every_run(paths.METRICS, paths.ROUNDS),
        [PATHS.round(SUITE.nodes[VARIANTS[0], 0].owner, seed, 0) / paths.TEST_SCORES for seed in SEEDS],
        [PATHS.settings(step, variant) for variant in VARIANTS for step in ("detect", "evaluate")],
        PUBLISHED,
        settings=PATHS.settings("report"),
    output:
        report(TABLES[0], caption="../report/metrics.rst", category="Tables"),
        report(TABLES[1], caption="../report/ablation.rst", category="Tables"),
        TABLES[2:],
    log:
        f"{LOGS}/make_tables.log",
    group:
        "page"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(4000),
        runtime=minutes(120),
    params:
        data=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
        code=digest_of_command("tables", members=PROTOCOL),
    shell:
        "wtal tables --report {input.settings} --data {params.data} --results {params.folder}"
        " --out {params.folder} > {log} 2>&1"


rule make_figures:
    input:
        STORE,
        TABLES,
        shown_run(paths.TRAIN_SCORES),
        shown_run(paths.TEST_SCORES),
        shown_run(paths.LABELS, first=1),
        PATHS.run(SHOWN, SEEDS[0]) / paths.ROUNDS,
        PATHS.settings("figures"),
        settings=PATHS.settings("report"),
    output:
        TIMELINES,
        report(FIGURES, caption="../report/figures.rst", category="Figures"),
    log:
        f"{LOGS}/make_figures.log",
    group:
        "page"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(2000),
        runtime=minutes(60),
    params:
        data=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
        code=digest_of_command("figures", members=SUITE.variants[SHOWN].members("labels.fusion", "detection.fusion")),
    shell:
        "wtal figures --report {input.settings} --data {params.data} --results {params.folder}"
        " --out {params.folder} > {log} 2>&1"


rule diagnose_suite:
    input:
        STORE,
        explored(paths.ROUNDS),
        scores_of_explored(),
        shown_run(paths.TRAIN_SCORES),
        shown_run(paths.LABELS, first=1),
        settings=PATHS.settings("report"),
    output:
        EXPLORED,
    log:
        f"{LOGS}/diagnose_suite.log",
    group:
        "page"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(4000),
        runtime=minutes(120),
    params:
        data=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
        code=digest_of_command(
            "diagnose-suite", members=[*PROTOCOL, *SUITE.variants[SHOWN].members("labels.fusion")]
        ),
    shell:
        "wtal diagnose-suite --report {input.settings} --data {params.data} --results {params.folder}"
        " --out {params.folder} > {log} 2>&1"


rule make_report:
    input:
        TABLES,
        EXPLORED,
        PATHS.settings("page"),
        settings=PATHS.settings("report"),
    output:
        REPORT,
    log:
        f"{LOGS}/make_report.log",
    group:
        "page"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of(1000),
        runtime=minutes(30),
    params:
        folder=subpath(output[0], parent=True),
        code=digest_of_command("report"),
    shell:
        "wtal report --report {input.settings} --results {params.folder} --out {output} > {log} 2>&1"
