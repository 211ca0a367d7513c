"""Which script each rule runs, and in which environment, read off the rule files."""

import re
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.errors import UserError

ROOT = Path(__file__).resolve().parents[4]


@dataclass(frozen=True)
class RuleScript:
    """One rule with a script."""

    rule: str
    file: Path
    path: Path
    environment: str


def rule_scripts() -> list[RuleScript]:
    """All of them.

    Raises:
        UserError: a rule has a script and no environment.
    """
    found = []
    for file in sorted((ROOT / "rules").glob("*.smk")):
        for name, body in _rules(file.read_text(encoding="utf-8")):
            script = re.search(r'script:\s*"\.\./(workflow/scripts/\w+\.py)"', body)
            if script is None:
                continue
            environment = re.search(r'conda:\s*"\.\./envs/(\w+)\.yaml"', body)
            if environment is None:
                raise UserError(f"{file.name}: rule {name} names no environment")
            found.append(RuleScript(name, file, ROOT / script[1], environment[1]))
    return found


def _rules(text: str) -> list[tuple[str, str]]:
    parts = re.split(r"^ *rule (\w+):$", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))
