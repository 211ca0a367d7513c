"""The paper's Table 3: drawings by judge and by distance to real frames, as CSV and Markdown.

FID and Inception Score of different networks are not comparable, so each network has columns of its own, and
a published value stands in the row of a measured one only where both are of the same network or judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.evaluate.result import Metric, Result
from wavbrivl.files import write_text
from wavbrivl.publish.layout import NOT_IN_RUN
from wavbrivl.publish.published import Published, published
from wavbrivl.publish.tables import DASH, csv_text, markdown_table
from wavbrivl.studies.measure import DISTANCES
from wavbrivl.studies.networks import EMBEDDED, VGGSOUND
from wavbrivl.studies.rating import R_AT_1, R_AT_1_GRAY, Comparison
from wavbrivl.studies.sets import REAL, task_of

ANOTHER_SYSTEM = "not measured: another system"
PUBLISHED_JUDGE = "clip"
"""The judge of the published R@1 is a CLIP (ViT-B/32), whose name begins so."""

_TITLES = {R_AT_1: "R@1 %", "fid": "FID", "kid": "KID", "inception_score": "IS"}
_PUBLISHED_NAMES = {R_AT_1: "r_at_1_percent", "fid": "fid", "inception_score": "inception_score"}
_PUBLISHED_NETWORKS = {R_AT_1: "CLIP ViT-B/32", "fid": VGGSOUND, "inception_score": VGGSOUND}
_GENERATORS = {"dalle": "DALL·E", "diffusion": "Diffusion", "latent": "Latent optimisation"}
_STUDIES = {
    "control": "hears nothing",
    "shuffled": "hears a sound of another class",
    "unguided": "prefix alone, a random candidate",
    "guide_only": "guide alone, no prefix, no text",
    "best_of": "best of as many candidates at once",
    "image": "from the real frame's embedding",
    "unmapped": "embedding not mapped",
}
_HEADER = (
    *("row", "task", "metric", "network", "measured", "ci95_low", "ci95_high", "spread", "drawings"),
    *("chance", "n", "found", "expected", "dataset", "note"),
    *("published", "published_source", "published_origin"),
)


@dataclass(frozen=True)
class Row3:
    """A row: a set of drawings (`task`), or a published system; `published` is its row in `published.csv`."""

    title: str
    task: str | None
    published: str | None = None


@dataclass(frozen=True)
class Column3:
    """A column: a metric by a judge or on a network's features.

    Attributes:
        title: heading.
        metric: in the metrics files.
        network: the judge or the extractor.
        published: the column in `published.csv` that is of the same network, or None.
    """

    title: str
    metric: str
    network: str
    published: str | None


def rows_of(sets: Sequence[tuple[str, str]]) -> list[Row3]:
    """The rows: published systems, then each generator with its controls, then real frames.

    Args:
        sets: (generator, study) of the drawings that are measured.
    """
    rows = [
        Row3("Pedersoli et al.", None, "Pedersoli et al."),
        Row3("S2I", None, "S2I"),
        Row3("S2V", None, "S2V"),
        Row3("WavBriVL, as published", None, "Ours"),
    ]
    for generator in dict.fromkeys([*_GENERATORS, *(one for one, _ in sets)]):
        title = _GENERATORS.get(generator, generator)
        studies = [study for one, study in sets if one == generator]
        if "test" in studies:
            rows.append(
                Row3(f"**WavBriVL, {title}**", task_of(generator), "Ours" if generator == "dalle" else None)
            )
        rows += [
            Row3(f"{title}: {_STUDIES[study]}", task_of(generator, study))
            for study in studies
            if study in _STUDIES
        ]
    return [*rows, Row3("Real frames", task_of(REAL))]


def columns_of(judge: str, extractors: Sequence[str]) -> list[Column3]:
    """The columns for a judge and for the extractors, of which the first has the plain names."""
    same = _PUBLISHED_NAMES[R_AT_1] if judge.startswith(PUBLISHED_JUDGE) else None
    columns = [
        Column3(f"R@1 %, judge {judge}", R_AT_1, judge, same),
        Column3("R@1 % of grey pictures", R_AT_1_GRAY, judge, None),
    ]
    for place, extractor in enumerate(extractors):
        for name in DISTANCES:
            metric = name if place == 0 else f"{name}_{extractor.replace('-', '_')}"
            key = _PUBLISHED_NAMES.get(name) if extractor == VGGSOUND else None
            columns.append(Column3(f"{_TITLES[name]} ({extractor})", metric, extractor, key))
    return columns


def write_table3(
    csv_path: Path,
    markdown_path: Path,
    results: Mapping[str, Result],
    rows: Sequence[Row3],
    extractors: Sequence[str] = (EMBEDDED,),
    absent: Mapping[str, str] | None = None,
    comparisons: Sequence[Comparison] = (),
    remarks: Sequence[str] = (),
    unmeasured: str = NOT_IN_RUN,
) -> None:
    """Write Table 3.

    Args:
        results: metrics files by task; `judge` is the judge on real frames.
        extractors: whose distances are in them, the first with the plain names.
        absent: extractors without weights, and why they measured nothing.
        comparisons: paired differences between sets of drawings.
        remarks: sentences of the other studies.
        unmeasured: why a row without a metrics file has no number.
    """
    judges = (result.settings["judge"] for task, result in results.items() if task.startswith("vegas_"))
    columns = columns_of(str(next(judges, EMBEDDED)), extractors)
    lines = [_published_line(row, key) for row in rows if row.task is None for key in _PUBLISHED_NAMES]
    lines += [_line(row, column, results, unmeasured) for row in rows if row.task for column in columns]
    lines += [
        [row.title, row.task or "", name, network, *[""] * 10, why, "", "", ""]
        for network, why in (absent or {}).items()
        for row in rows
        if row.task
        for name in DISTANCES
    ]
    write_text(csv_path, csv_text(_HEADER, [[cell.replace("**", "") for cell in line] for line in lines]))
    parts = [
        "## Table 3: drawings",
        _grid(rows, columns, results),
        _legend(columns, absent or {}),
        _measured_on(results) or f"The rows of this run are {unmeasured}.",
        comparison_lines(comparisons),
        "\n".join(f"- {remark}" for remark in remarks),
        _origins(),
    ]
    write_text(markdown_path, "\n\n".join(part for part in parts if part) + "\n")


def comparison_lines(comparisons: Sequence[Comparison]) -> str:
    """Paired differences as Markdown; empty where there are none."""
    lines = []
    for one in comparisons:
        line = f"- {_GENERATORS.get(one.generator, one.generator)}, {one.metric}, "
        line += f"{one.first} minus {one.second}: {one.difference.value:+.3f}"
        if one.difference.ci95 is not None:
            low, high = one.difference.ci95
            line += f" [{low:+.3f}, {high:+.3f}]{', above' if one.above else ''}"
        lines.append(f"{line}; n {one.n}")
    return "Sets of drawings compared, paired on the same items:\n\n" + "\n".join(lines) if lines else ""


def _line(row: Row3, column: Column3, results: Mapping[str, Result], unmeasured: str) -> list[str]:
    result, metric, note = _found(row, column, results, unmeasured)
    printed = _published(row, column)
    low, high = metric.ci95 if metric and metric.ci95 else (None, None)
    spread = result.settings["spread"].get(column.metric, {}).get("deviation") if result else None
    numbers = [metric.value if metric else None, low, high, spread]
    return [
        row.title,
        row.task or "",
        column.metric,
        column.network,
        *(_number(value) for value in numbers),
        str(result.settings.get("drawings_per_item", "")) if result else "",
        _number(metric.chance if metric else None),
        str(result.n) if result else "",
        str(result.coverage.found) if result else "",
        str(result.coverage.expected) if result else "",
        result.dataset if result else "",
        note,
        printed.printed if printed else "",
        printed.source if printed else "",
        printed.origin if printed else "",
    ]


def _published_line(row: Row3, name: str) -> list[str]:
    """A line of the CSV for a system that was published and not measured."""
    printed = published()[3, row.published or "", _PUBLISHED_NAMES[name]]
    origin = [printed.printed, printed.source, printed.origin]
    return [row.title, "", name, _PUBLISHED_NETWORKS[name], *[""] * 10, ANOTHER_SYSTEM, *origin]


def _grid(rows: Sequence[Row3], columns: Sequence[Column3], results: Mapping[str, Result]) -> str:
    titles = ["Method", *(column.title for column in columns), "n"]
    titles += [f"{_TITLES[name]}, published ({_PUBLISHED_NETWORKS[name]})" for name in _PUBLISHED_NAMES]
    body = []
    for row in rows:
        line = [row.title, *(_cell(row, column, results) for column in columns)]
        result = results.get(row.task or "")
        line.append(str(result.n) if result else DASH)
        allowed = {column.published for column in columns if column.published} if row.task else set()
        for key in _PUBLISHED_NAMES.values():
            printed = published().get((3, row.published, key)) if row.published else None
            line.append(printed.printed if printed and (not row.task or key in allowed) else DASH)
        body.append(line)
    return markdown_table(titles, body)


def _cell(row: Row3, column: Column3, results: Mapping[str, Result]) -> str:
    result, metric, _ = _found(row, column, results)
    if result is None or metric is None:
        return DASH
    if column.metric in (R_AT_1, R_AT_1_GRAY):
        text = f"{100 * metric.value:.1f}"
        return f"{text} [{100 * metric.ci95[0]:.1f}, {100 * metric.ci95[1]:.1f}]" if metric.ci95 else text
    spread = result.settings["spread"].get(column.metric, {}).get("deviation")
    return f"{metric.value:.3g}" if spread is None else f"{metric.value:.3g} ± {spread:.2g}"


def _found(
    row: Row3, column: Column3, results: Mapping[str, Result], unmeasured: str = NOT_IN_RUN
) -> tuple[Result | None, Metric | None, str]:
    """The metrics file and the metric of a cell, or why there is none."""
    if row.task is None:
        return None, None, ANOTHER_SYSTEM
    result = results.get(row.task)
    if result is None:
        return None, None, unmeasured
    metric = result.metrics.get(column.metric)
    return result, metric, "" if metric else f"not measured: {row.task} has no {column.metric}"


def _published(row: Row3, column: Column3) -> Published | None:
    """The published value of a measured row, where it is of the column's network."""
    if row.published is None or column.published is None:
        return None
    return published().get((3, row.published, column.published))


def _legend(columns: Sequence[Column3], absent: Mapping[str, str]) -> str:
    lines = [
        "R@1: share of drawings whose class the judge puts first, with its 95 % interval; the judge guided "
        "nothing. FID, KID and IS: against real held-out frames on features of the network in brackets; ± is "
        "the deviation over repeated drawings. Numbers of different networks are not comparable: a published "
        "value stands in the row of a measured one only where the network is the same.",
        "",
        *(f"- FID, KID and IS on {network}: {why}" for network, why in absent.items()),
    ]
    if not any(column.network == VGGSOUND for column in columns):
        lines.append(f"- the published FID and IS are of '{VGGSOUND}': nothing here is comparable with them")
    return "\n".join(lines)


def _measured_on(results: Mapping[str, Result]) -> str:
    main = next((result for task, result in results.items() if task.startswith("vegas_")), None)
    if main is None:
        return ""
    chance = main.metrics[R_AT_1].chance
    lines = [
        f"- {main.dataset}, {main.split}: {main.classes} classes, chance {100 * (chance or 0):.1f} %; "
        f"{main.coverage.found} of {main.coverage.expected} clips; {main.settings['reference_frames']} "
        "reference frames; "
        f"{main.intervals}"
    ]
    judge = results.get("judge")
    if judge is not None:
        words = {
            "accuracy": "as they are",
            "accuracy_gray": "grey",
            "accuracy_recoloured": "recoloured",
        }
        said = ", ".join(f"{text} {100 * judge.metrics[name].value:.1f} %" for name, text in words.items())
        lines.append(f"- the judge on {judge.n} real held-out frames: {said}")
    return "Measured on:\n\n" + "\n".join(lines)


def _origins() -> str:
    cells = {name: p for (table, name, _), p in published().items() if table == 3}
    return "Published numbers:\n\n" + "\n".join(f"- {p.source}; {p.origin}" for p in cells.values())


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
