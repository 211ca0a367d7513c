"""Every rule has an environment, and the environment has what the rule's script imports."""

import ast
import re
import sys
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement

from wavbrivl.workflow.digest import PACKAGE, files_of_script
from wavbrivl.workflow.environments import PINS, environment, read_lock
from wavbrivl.workflow.rule_scripts import ROOT, RuleScript, rule_scripts

SCRIPTS = rule_scripts()


def test_files_are_written_from_the_lock():
    lock = read_lock(ROOT / "requirements.txt")
    for name in PINS:
        text = (ROOT / f"envs/{name}.yaml").read_text(encoding="utf-8")
        assert text == environment(name, lock), f"envs/{name}.yaml: run `make config`"


def test_every_environment_is_used_and_leaves_anaconda_out():
    assert {script.environment for script in SCRIPTS} == set(PINS)
    for name in PINS:
        channels = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text(encoding="utf-8"))["channels"]
        assert channels == ["conda-forge", "nodefaults"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.rule)
def test_environment_provides_what_the_script_imports(script):
    provided = _distributions(script.environment)
    by_module = metadata.packages_distributions()
    for module in sorted(_third_party(script)):
        names = {_key(name) for name in by_module.get(module, [])}
        assert names & provided, (
            f"{script.path.name} imports {module}; envs/{script.environment}.yaml lacks it"
        )


def _third_party(script: RuleScript) -> set[str]:
    """Top-level names of everything that the script can import, through the package too."""
    files = {script.path, *files_of_script(script.path)}
    names = {name.split(".")[0] for file in files for name in _all_imports(file)}
    return names - set(sys.stdlib_module_names) - {PACKAGE.name, "snakemake"}


def _all_imports(path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def _distributions(name: str) -> set[str]:
    """What pip brings with the environment's Python packages, by normalised name."""
    waiting = [Requirement(package) for package in PINS[name]]
    found: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if _key(wanted.name) in found:
            continue
        found.add(_key(wanted.name))
        needs = [Requirement(text) for text in metadata.distribution(wanted.name).requires or []]
        waiting += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
