"""With a storage that holds the results: the settings of the steps as outputs of a rule, so that jobs elsewhere get them.

On a file system they lie where jobs look for them already, and a rule would only copy them: a job for each file, 145 more
for config/hapt.yaml, since with one job for all of them a change of one would make everything stale.
"""

if IN_STORAGE:

    rule store_settings:
        input:
            local(PATHS.root / "settings/{name}.json"),
        output:
            PATHS.root / "settings/{name}.json",
        log:
            f"{LOGS}/store_settings/{{name}}.log",
        wildcard_constraints:
            name=".+",
        localrule: True
        shell:
            "cp {input} {output} 2> {log}"
