"""Write docs/rulegraph.md: which rule needs which, drawn from the workflow itself (make config)."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import networkx

from wavbrivl.errors import UserError
from wavbrivl.files import write_text
from wavbrivl.generate.study import GENERATORS
from wavbrivl.workflow.rule_scripts import ROOT

PAGE = Path("docs/rulegraph.md")
HEAD = """# The workflow as a graph

Rules of the embedded default, grouped by the rule file that holds them. An arrow leads from a rule to one
that needs it; what follows from other arrows is left out. Generated from the workflow (`make config`).

"""


def rule_graph() -> networkx.DiGraph:
    """Rules and what needs them, without edges that follow from others.

    Raises:
        UserError: what Snakemake says where it cannot plan.
    """
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise UserError(f"Snakemake cannot draw its rules: {done.stderr.strip()[-1000:]}")
    names = dict(re.findall(r"^\t(id\d+)\[(\w+)\]$", done.stdout, flags=re.MULTILINE))
    # A generator's own rule draws what `draw` would, all sets in one job.
    names = {
        key: "draw" if name.startswith("draw_") and name[5:] in GENERATORS else name
        for key, name in names.items()
    }
    edges = re.findall(r"^\t(id\d+) --> (id\d+)$", done.stdout, flags=re.MULTILINE)
    graph = networkx.DiGraph((names[start], names[end]) for start, end in edges)
    graph.remove_node("all")
    return networkx.transitive_reduction(graph)


def rule_files() -> dict[str, str]:
    """The rule file of each rule, without its ending."""
    found = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        found |= {name: path.stem for name in re.findall(r"^ *rule (\w+):$", text, flags=re.MULTILINE)}
    return found


def page(graph: networkx.DiGraph, files: dict[str, str]) -> str:
    """The page, with the graph in Mermaid's language."""
    lines = ["flowchart LR"]
    for file in sorted({files[rule] for rule in graph}):
        lines.append(f"    subgraph {file}[rules/{file}.smk]")
        lines += [f"        {rule}" for rule in sorted(graph) if files[rule] == file]
        lines.append("    end")
    lines += [f"    {start} --> {end}" for start, end in sorted(graph.edges)]
    return HEAD + "```mermaid\n" + "\n".join(lines) + "\n```\n"


def main() -> int:
    """Write the page, or with ``--check`` say whether it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if it is out of date")
    check = parser.parse_args().check
    text = page(rule_graph(), rule_files())
    stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text
    if stale and not check:
        write_text(PAGE, text)
    if stale:
        print(f"{PAGE} is out of date" if check else f"wrote {PAGE}")
    return int(stale and check)


if __name__ == "__main__":
    raise SystemExit(main())
