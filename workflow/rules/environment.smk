"""The environment that jobs run in: with --use-conda one that conda makes, else that of snakemake."""

import os
import shutil
import sys
from pathlib import Path

from snakemake import __version__
from snakemake_interface_executor_plugins.settings import DeploymentMethod

from wtal.base.code.kernels import use_same_kernels
from wtal.base.errors import WtalError
from wtal.base.files import digest_of_file, read_text, to_json, write_if_changed

ROOT = Path(workflow.basedir).parent if Path(workflow.basedir).name == "workflow" else Path(workflow.basedir)

# `wtal` and `snakemake` are found beside the Python that runs this; processes have one thread unless a rule says more.
use_same_kernels()
os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
os.environ |= {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])}
# For provenance.json, since a job of an environment of conda has no snakemake; and for what installs such a one.
os.environ |= {"WTAL_SNAKEMAKE": __version__, "WTAL_CHECKOUT": str(ROOT.resolve())}

methods = workflow.deployment_settings.deployment_method
if DeploymentMethod.CONDA in methods and shutil.which("conda") is None:
    workflow.deployment_settings.deployment_method = set(methods) - {DeploymentMethod.CONDA}
    print("No conda here: jobs run in the environment that runs snakemake.", file=sys.stderr)


def environment_of_jobs():
    """The file of the environment of jobs with --use-conda, kept beside the script that Snakemake runs in a new one.

    Snakemake knows an environment by the text of these files: with the folder of the checkout in it, whose code is
    installed there as it lies, two checkouts share none; with what pip reads, other versions make another one.
    """
    folder = Path(".snakemake/environment").resolve()
    # Once: a job on a cluster runs in what the run began with, and makes its own where it sees nothing of that.
    if workflow.is_main_process or not (folder / "wtal.post-deploy.sh").is_file():
        # Without conda neither is read, and a workflow that was copied may lack them.
        read = [name for name in ("constraints.txt", "pyproject.toml") if (ROOT / name).is_file()]
        facts = {name: digest_of_file(ROOT / name) for name in read}
        about = "".join(f"# {line}\n" for line in to_json({"checkout": str(ROOT.resolve()), **facts}).splitlines())
        write_if_changed(folder / "wtal.yaml", about + read_text(ROOT / "workflow/envs/wtal.yaml"))
        script = read_text(ROOT / "workflow/envs/wtal.post-deploy.sh")
        write_if_changed(folder / "wtal.post-deploy.sh", script)
    # Where a folder's name has braces they would be taken for wildcards.
    return str(folder / "wtal.yaml").replace("{", "{{").replace("}", "}}")


try:
    ENVIRONMENT = environment_of_jobs()
except WtalError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
