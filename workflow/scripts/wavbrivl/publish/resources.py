"""What each rule cost: time, processor and memory, out of Snakemake's benchmark files."""

import csv
import html
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HEAD = ("rule", "jobs", "seconds", "longest", "processor seconds", "peak memory, MiB", "")


@dataclass(frozen=True)
class Cost:
    """Of all jobs of a rule.

    Attributes:
        rule: its name, as the folder or file of its benchmarks is called.
        jobs: how many.
        seconds: of wall clock, added up.
        longest: seconds of the longest job.
        processor: seconds; short jobs end before they are sampled and count as nothing.
        memory: peak resident set of the largest job, MiB; None where no job was sampled.
    """

    rule: str
    jobs: int
    seconds: float
    longest: float
    processor: float
    memory: float | None


def costs(folder: Path) -> list[Cost]:
    """By rule, the most expensive first; `folder` is `results/<run>/benchmarks`."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for path in sorted(Path(folder).rglob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as handle:
            name = path.relative_to(folder).parts[0].removesuffix(".tsv")
            rows[name] += list(csv.DictReader(handle, delimiter="\t"))
    return sorted((_cost(name, jobs) for name, jobs in rows.items() if jobs), key=lambda one: -one.seconds)


def _cost(rule: str, jobs: Sequence[dict[str, str]]) -> Cost:
    seconds = _numbers(jobs, "s")
    memory = _numbers(jobs, "max_rss")
    return Cost(
        rule, len(jobs), sum(seconds), max(seconds, default=0.0), sum(_numbers(jobs, "cpu_time")),
        max(memory, default=None),
    )  # fmt: skip


def _numbers(jobs: Iterable[dict[str, str]], column: str) -> list[float]:
    texts = (job.get(column) or "" for job in jobs)
    return [float(text) for text in texts if text.replace(".", "", 1).isdigit()]


def resources_table(found: Sequence[Cost]) -> str:
    """HTML with a bar for each rule's seconds."""
    most = max((one.seconds for one in found), default=1.0) or 1.0
    head = "".join(f"<th>{html.escape(name)}</th>" for name in HEAD)
    lines = []
    for one in found:
        memory = "–" if one.memory is None else f"{one.memory:.0f}"
        cells = (
            html.escape(one.rule), f"{one.jobs}", f"{one.seconds:.1f}", f"{one.longest:.1f}",
            f"{one.processor:.1f}", memory,
        )  # fmt: skip
        bar = f"<td class='bar'><div style='width:{100 * one.seconds / most:.1f}%'></div></td>"
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + bar + "</tr>")
    return f"<div class='wide'><table><tr>{head}</tr>{''.join(lines)}</table></div>"
