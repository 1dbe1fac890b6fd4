# The workflow is in workflow/; this file is here so that `snakemake --cores all --use-conda` works from the root.
include: "workflow/Snakefile"


rule suite:
    default_target: True
    input:
        rules.all.input,
