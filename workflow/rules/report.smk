TABLES = multiext(
    f"{RESULTS}/",
    "metrics.csv",
    "ablation.csv",
    "ablation.md",
    "ablation.tex",
    "main.csv",
    "main.md",
    "main.tex",
    "per_class.csv",
    "rounds.csv",
    "label_quality.md",
    "label_quality.tex",
    "training.csv",
    "provenance.json",
)
FIGURE_NAMES = ["ablation", "rounds", "training", "per_class"] + [
    f"timeline_{number}" for number in range(1, SUITE.file.report.timeline_videos + 1)
]
FIGURES = expand(f"{RESULTS}/figures/{{name}}.{{form}}", name=FIGURE_NAMES, form=("svg", "png"))
REPORT = f"{RESULTS}/report.html"
SHOWN = SUITE.file.report.timeline_variant or VARIANTS[-1]
REPORT_CODE = code_digest("report", "evaluate")


def shown_run(name, first=0):
    """A file of every round of the variant and seed that the timelines show."""
    rounds = range(first, SUITE.variants[SHOWN].rounds + 1)
    owners = [SUITE.nodes[SHOWN, index].owner for index in rounds]
    return [f"{RESULTS}/{owner}/seed{SEEDS[0]}/round{index}/{name}" for owner, index in zip(owners, rounds)]


TRAINING_CURVES = [
    f"{RESULTS}/{node.variant}/seed{seed}/round{node.round_index}/training.csv" for node in NODES for seed in SEEDS
]


rule make_tables:
    input:
        STORE,
        TRAINING_CURVES,
        expand(f"{RESULTS}/{{variant}}/seed{{seed}}/metrics.json", variant=VARIANTS, seed=SEEDS),
        expand(f"{RESULTS}/{{variant}}/seed{{seed}}/rounds.npz", variant=VARIANTS, seed=SEEDS),
        [f"{RESULTS}/{SUITE.nodes[VARIANTS[0], 0].owner}/seed{seed}/round0/scores_test.npz" for seed in SEEDS],
        settings=f"{SETTINGS}/report.json",
    output:
        report(TABLES[0], caption="../report/metrics.rst", category="Tables"),
        report(TABLES[1], caption="../report/ablation.rst", category="Tables"),
        TABLES[2:],
    params:
        data=f"{RESULTS}/data",
        folder=RESULTS,
        code=REPORT_CODE,
    log:
        f"{LOGS}/make_tables.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    conda:
        "../envs/wtal.yaml"
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
        detect=f"{SETTINGS}/{SHOWN}/detect.json",
        settings=f"{SETTINGS}/report.json",
    output:
        report(FIGURES, caption="../report/figures.rst", category="Figures"),
        f"{RESULTS}/timelines.json",
    params:
        data=f"{RESULTS}/data",
        folder=RESULTS,
        code=REPORT_CODE,
    log:
        f"{LOGS}/make_figures.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    conda:
        "../envs/wtal.yaml"
    shell:
        "wtal figures --report {input.settings} --data {params.data} --results {params.folder}"
        " --out {params.folder} > {log} 2>&1"


rule make_report:
    input:
        TABLES,
        FIGURES,
        f"{RESULTS}/timelines.json",
        settings=f"{SETTINGS}/report.json",
    output:
        REPORT,
    params:
        folder=RESULTS,
        code=REPORT_CODE,
    log:
        f"{LOGS}/make_report.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    conda:
        "../envs/wtal.yaml"
    shell:
        "wtal report --report {input.settings} --results {params.folder} --out {output} > {log} 2>&1"
