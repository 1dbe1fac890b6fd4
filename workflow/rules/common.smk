"""The suite that jobs are for: --configfile with --config laid over it."""

import os
import sys
from pathlib import Path

import yaml

from wtal.base.errors import WtalError
from wtal.base.files import read_yaml, to_json, write_if_changed
from wtal.base.staging import is_first_in
from wtal.data.kinds.prepare import keep_listing
from wtal.suite.paths import SuitePaths
from wtal.suite.plan import plan_files, suite_from_mapping
from wtal.suite.file import merge_files

SOURCES = [os.path.relpath(path) for path in workflow.configfiles or [ROOT / "config/hapt.yaml"]]


def typed(value):
    """A value of `--config` as YAML has it: snakemake leaves what stands inside a list or a group as text."""
    if isinstance(value, dict):
        return {key: typed(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [typed(entry) for entry in value]
    return yaml.safe_load(value) if isinstance(value, str) else value


def chosen_suite():
    """The suite of --configfile, or the default one, with --config laid over it and its settings files written."""
    values = read_yaml(SOURCES[0])
    for change in [*map(read_yaml, SOURCES[1:]), typed(dict(workflow.config_settings.config))]:
        values = merge_files(values, change) if isinstance(values, dict) and isinstance(change, dict) else values or change
    suite = suite_from_mapping(values, SOURCES[0])
    paths = SuitePaths.of(suite.name)
    if workflow.is_main_process:  # once: a job on a cluster reads what the run began with, whatever became of the config
        for name, value in plan_files(suite).items():
            write_if_changed(paths.root / "settings" / name, to_json(value))
        keep_listing(paths.settings("raw"), suite.file.dataset)
    return suite


def without_locks_of_the_dead():
    """Take away what locks this folder for Snakemake where the run that locked it was killed, so that this one goes on."""
    state = Path(".snakemake")
    state.mkdir(exist_ok=True)
    locks = list(state.glob("locks/*.lock"))
    if is_first_in(state) and locks:
        for lock in locks:
            lock.unlink()
        print("The run that locked this folder has ended without unlocking it; this one goes on.", file=sys.stderr)


try:
    SUITE = chosen_suite()
    if workflow.is_main_process:
        without_locks_of_the_dead()
except WtalError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
