"""The paper's Table 4: what people chose, measured and published in separate columns, as CSV and Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.files import write_text
from wavbrivl.publish.published import Published, published
from wavbrivl.publish.tables import DASH, csv_text, markdown_table
from wavbrivl.studies.human.answers import OUTCOMES, Outcome
from wavbrivl.studies.human.results import SystemResult

NO_ANSWERS = "not measured: there are no answer files"

_HEADER = (
    *("system", "outcome", "lowest_test", "highest_test", "share", "ci95_low", "ci95_high", "n", "raters"),
    *("tests", "krippendorff_alpha", "note", "published", "published_source", "published_origin"),
)


@dataclass(frozen=True)
class SystemRow:
    """A row of Table 4: a system of the study and its row in `published.csv`, or None."""

    title: str
    system: str
    published: str | None


ROWS = (
    SystemRow("Wav2CLIP", "wav2clip", "Wav2CLIP"),
    SystemRow("WavBriVL, DALL·E", "dalle", "WavBriVL"),
    SystemRow("WavBriVL, diffusion", "diffusion", None),
    SystemRow("WavBriVL, latent optimisation", "latent", None),
)


def write_table4(
    csv_path: Path,
    markdown_path: Path,
    results: Sequence[SystemResult],
    absent: Mapping[str, str] | None = None,
    rows: Sequence[SystemRow] = ROWS,
) -> None:
    """Write Table 4: the CSV has one line for each system and outcome, the Markdown one row a system.

    Args:
        results: what was said about each system; empty where nobody has answered.
        absent: why a system is not part of the study.
    """
    found = {one.system: one for one in results}
    why = {row.system: (absent or {}).get(row.system) or NO_ANSWERS for row in rows}
    lines = [_line(row, outcome, found.get(row.system), why) for row in rows for outcome in OUTCOMES]
    write_text(csv_path, csv_text(_HEADER, lines))
    write_text(markdown_path, _markdown(found, rows, why))


def _line(row: SystemRow, outcome: Outcome, one: SystemResult | None, why: Mapping[str, str]) -> list[str]:
    printed = _published(row, outcome)
    origin = [printed.printed, printed.source, printed.origin] if printed else ["", "", ""]
    if one is None:
        return [row.title, outcome, *[""] * 9, why[row.system], *origin]
    numbers = [*one.range_of(outcome), one.counts[outcome] / one.n, *one.interval_of(outcome)]
    alpha = "" if one.alpha is None else f"{one.alpha:.4g}"
    counts = [str(one.n), str(one.raters), str(len(one.tests)), alpha, ""]
    return [row.title, outcome, *(f"{number:.4g}" for number in numbers), *counts, *origin]


def _markdown(found: Mapping[str, SystemResult], rows: Sequence[SystemRow], why: Mapping[str, str]) -> str:
    titles = ["System"]
    for outcome in OUTCOMES:
        titles += [f"{outcome.capitalize()}, measured", f"{outcome.capitalize()}, published"]
    body = []
    for row in rows:
        line = [row.title]
        for outcome in OUTCOMES:
            printed = _published(row, outcome)
            line += [_measured(found.get(row.system), outcome), printed.printed if printed else DASH]
        body.append(line)
    parts = ["## Table 4: human judgement", markdown_table(titles, body), _about(found, rows, why)]
    return "\n\n".join(parts) + "\n"


def _measured(one: SystemResult | None, outcome: Outcome) -> str:
    """The range over tests, and the share of all answers with Wilson's interval."""
    if one is None:
        return DASH
    low, high = (round(100 * share) for share in one.range_of(outcome))
    ends = [round(100 * end) for end in one.interval_of(outcome)]
    return f"{low} – {high} %; all {100 * one.counts[outcome] / one.n:.0f} % [{ends[0]}, {ends[1]}]"


def _about(found: Mapping[str, SystemResult], rows: Sequence[SystemRow], why: Mapping[str, str]) -> str:
    lines = [
        "Positive: the drawing from the sound was chosen; negative: the one from a sound of another class. "
        "Measured: range over the tests, then the share of all answers with Wilson's 95 % interval, which "
        "takes answers as independent. Published: ranges over the paper's three tests.",
        "",
    ]
    if NO_ANSWERS in why.values() and not found:
        lines += ["There are no answer files: nobody has been asked yet (`snakemake human_study`).", ""]
    for row in rows:
        one = found.get(row.system)
        if one is None:
            lines.append(f"- {row.title}: {why[row.system]}")
            continue
        alpha = "not defined" if one.alpha is None else f"{one.alpha:.2f}"
        lines.append(
            f"- {row.title}: {one.n} answers of {one.raters} raters in {len(one.tests)} tests; agreement "
            f"between raters (Krippendorff's alpha) {alpha}"
        )
    return "\n".join(lines)


def _published(row: SystemRow, outcome: Outcome) -> Published | None:
    return published().get((4, row.published, f"{outcome}_percent")) if row.published else None
