"""The suite, its plan and its paths. What a variant is and which rounds it shares: wtal/suite.py."""

import os
import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import DeploymentMethod

from wtal.errors import WtalError
from wtal.files import digest_of_value, read_yaml, to_json, write_if_changed
from wtal.suite import merge, plan_files, read_suite, suite_from_mapping

# `wtal` and `snakemake` are found beside the Python that runs this; processes have one thread unless a rule says more.
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

methods = workflow.deployment_settings.deployment_method
if DeploymentMethod.CONDA in methods and shutil.which("conda") is None:
    workflow.deployment_settings.deployment_method = set(methods) - {DeploymentMethod.CONDA}
    print("No conda here: jobs run in the environment that runs snakemake.", file=sys.stderr)

ROOT = Path(workflow.basedir).parent if Path(workflow.basedir).name == "workflow" else Path(workflow.basedir)
DEFAULT = ROOT / "config/hapt.yaml"
try:
    source = workflow.configfiles[0] if workflow.configfiles else DEFAULT
    # `--config seeds=[0]` alone changes the default suite.
    given = config if "suite" in config or "extends" in config else merge(read_yaml(DEFAULT), config)
    SUITE = suite_from_mapping(given, source)
except WtalError as error:
    raise WorkflowError(str(error))

RESULTS = f"results/{SUITE.name}"
LOGS = f"logs/{SUITE.name}"
BENCHMARKS = f"{RESULTS}/benchmarks"
SETTINGS = f"{RESULTS}/settings"
STORE = multiext(f"{RESULTS}/data/", "features.npy", "videos.csv", "video_labels.csv", "annotations.csv", "meta.json")
SEEDS, VARIANTS = SUITE.file.seeds, list(SUITE.variants)

for name, value in plan_files(SUITE).items():
    write_if_changed(f"{SETTINGS}/{name}", to_json(value))


def code_digest(*folders):
    """The digest of the code that a result depends on, so that an edit makes the result stale."""
    files = sorted(path for folder in folders for path in (ROOT / "wtal" / folder).glob("*.py"))
    return digest_of_value([[path.name, path.read_text()] for path in files])


def owned(nodes):
    """A pattern for the variants that train these rounds themselves; it looks ahead to the round in the path."""
    names = [rf"{node.variant}(?=/seed\d+/round{node.round_index}/)" for node in nodes]
    return "|".join(names) or "(?!)"


def folder_of(wildcards, round_index):
    """The folder in which a variant's round is trained, which is that of the first variant that shares it."""
    owner = SUITE.nodes[wildcards.variant, round_index].owner
    return f"{RESULTS}/{owner}/seed{wildcards.seed}/round{round_index}"


def before(wildcards):
    """The folder of the round before."""
    return folder_of(wildcards, int(wildcards.round) - 1)


def all_rounds(wildcards, name, first=0):
    """A file of every round that a variant uses, from `first` on."""
    rounds = range(first, SUITE.variants[wildcards.variant].rounds + 1)
    return [f"{folder_of(wildcards, index)}/{name}" for index in rounds]


NODES = SUITE.owned_nodes()
BASE = owned(node for node in NODES if node.round_index == 0)
PLAIN = owned(node for node in NODES if node.round_index and not node.is_delta)
DELTA = owned(node for node in NODES if node.is_delta)
LABELLED = owned(node for node in NODES if node.round_index)
WITH_DROPOUT = owned(node for node in NODES if node.scores_with_dropout)
SHARED = owned(node for node in SUITE.nodes.values() if node.owner != node.variant)


wildcard_constraints:
    variant="|".join(VARIANTS),
    seed=r"\d+",
    round=r"\d+",
