"""What there is of a corpus and what is missing: by cause, by split and by class, with every missing id.

``python -m wavbrivl.corpus.coverage data/<corpus>`` prints the state of a corpus at any time, also
while it is being fetched: it reads what is there and starts nothing.
"""

import argparse
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wavbrivl.corpus.clips import read_manifest
from wavbrivl.corpus.ledger import LedgerRow, Status, read_ledger
from wavbrivl.corpus.rows import labels_of
from wavbrivl.corpus.spool import journal_rows
from wavbrivl.errors import UserError
from wavbrivl.files import atomic, read_json, write_json, write_text

COUNTS, TABLE, MISSING, BY_CLASS = "coverage.json", "coverage.txt", "missing.csv", "by_class.csv"
MISSING_COLUMNS = ("clip_id", "video_id", "split", "label", "status", "cause", "source", "attempts")


@dataclass
class Survey:
    """Counts of a corpus: split -> status -> n and (split, label) -> status -> n.

    A clip of several labels counts for each of them.
    """

    by_split: dict[str, Counter[str]] = field(default_factory=dict)
    by_class: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    silent: int = 0
    still: int = 0


def survey(
    manifests: Sequence[Path], ledgers: Sequence[Path], splits: Iterable[str], missing: Path
) -> Survey:
    """Count every clip of the manifests by what its ledger says, one shard in memory at a time.

    Args:
        manifests: `<shard>.csv`.
        ledgers: the ledger of each manifest, in the same order.
        splits: the order in which splits are reported, those without a clip too.
        missing: receives one row for each clip that is not there.

    Raises:
        UserError: a ledger does not list the clips of its manifest.
    """
    pairs = ((path, read_ledger(ledger)) for path, ledger in zip(manifests, ledgers, strict=True))
    return _count(pairs, splits, missing)


def write_coverage(folder: Path, counted: Survey, summary: dict[str, Any]) -> dict[str, Any]:
    """Write `coverage.json`, `coverage.txt` and `by_class.csv`; return what the JSON holds.

    Args:
        summary: the manifest's `summary.json`: which list it is, and what left training and why.
    """
    report = coverage_report(counted, summary)
    write_json(folder / COUNTS, report)
    write_text(folder / TABLE, as_text(report) + "\n")
    _write_classes(folder / BY_CLASS, counted)
    return report


def coverage_report(counted: Survey, summary: dict[str, Any]) -> dict[str, Any]:
    """The counts as every metric carries them, in whole and by split, with the manifest's leakage counts."""
    total = sum(counted.by_split.values(), Counter())
    return {
        "list": summary.get("list"),
        **_coverage(total),
        "splits": {split: _coverage(counts) for split, counts in counted.by_split.items()},
        "quality": {"silent": counted.silent, "still": counted.still},
        "leakage": summary.get("leakage"),
    }


def as_text(report: dict[str, Any]) -> str:
    """The same as a table for the terminal."""
    splits = report["splits"]
    causes = sorted(report["missing"], key=lambda cause: (-report["missing"][cause], cause))
    parts = [*splits.values(), report]
    rows: list[list[Any]] = [["", *splits, "all"]]
    rows += [[name, *(part[name] for part in parts)] for name in ("expected", "found")]
    rows += [[cause, *(part["missing"].get(cause, 0) for part in parts)] for cause in causes]
    return "\n".join([f"list: {report['list']}", "", *_aligned(rows), "", *_notes(report)])


def _aligned(rows: list[list[Any]]) -> list[str]:
    """Rows of a table as lines: the first column to the left, numbers to the right."""
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{row[i]:{'>' if i else '<'}{width}}" for i, width in enumerate(widths)) for row in rows
    ]


def _notes(report: dict[str, Any]) -> list[str]:
    share = report["found"] / report["expected"] if report["expected"] else 0.0
    notes = [f"{share:.1%} of the clips are there"]
    quality = report["quality"]
    notes.append(f"of these, {quality['silent']} are silent and {quality['still']} show a still picture")
    leakage = report["leakage"] or {"excluded_clips": 0, "videos_in": {}}
    notes.append(
        f"{leakage['excluded_clips']} clips left training because their video is in an evaluation set"
    )
    for name, count in leakage["videos_in"].items():
        notes.append(f"  {name}: {count['clips']} clips of {count['videos']} videos")
    return notes


def _coverage(counts: Counter[str]) -> dict[str, Any]:
    missing = {status: n for status, n in sorted(counts.items()) if status != Status.OK and n}
    return {"expected": sum(counts.values()), "found": counts[Status.OK], "missing": missing}


def _count(shards: Iterable[tuple[Path, list[LedgerRow]]], splits: Iterable[str], missing: Path) -> Survey:
    counted = Survey(by_split={split: Counter() for split in splits})
    with atomic(missing) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(MISSING_COLUMNS)
        for manifest, rows in shards:
            writer.writerows(_shard(counted, manifest, rows))
    return counted


def _shard(counted: Survey, manifest: Path, rows: list[LedgerRow]) -> Iterator[tuple[Any, ...]]:
    """Count one shard; yield its missing clips."""
    clips = read_manifest(manifest)
    if [clip.clip_id for clip in clips] != [row.clip_id for row in rows]:
        raise UserError(f"the ledger of {manifest.stem} does not list the clips of {manifest}")
    for clip, row in zip(clips, rows, strict=True):
        counted.by_split.setdefault(clip.split, Counter())[str(row.status)] += 1
        for label in labels_of(clip.label) or [""]:
            counted.by_class.setdefault((clip.split, label), Counter())[str(row.status)] += 1
        counted.silent += row.status == Status.OK and bool(row.silence)
        counted.still += row.status == Status.OK and bool(row.still)
        if row.status != Status.OK:
            about = (clip.clip_id, clip.video_id, clip.split, clip.label)
            yield (*about, str(row.status), row.cause, row.source, row.attempts)


def _write_classes(path: Path, counted: Survey) -> None:
    """One row for each split and class; a column for each cause that occurs anywhere."""
    causes = sorted(set().union(*counted.by_class.values()) - {Status.OK})
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["split", "label", "expected", "found", *causes])
    order = {split: place for place, split in enumerate(counted.by_split)}
    for split, label in sorted(counted.by_class, key=lambda key: (order[key[0]], key[1])):
        counts = counted.by_class[split, label]
        writer.writerow([split, label, counts.total(), counts[Status.OK], *(counts[c] for c in causes)])
    write_text(path, buffer.getvalue())


def state(corpus: Path) -> Iterator[tuple[Path, list[LedgerRow]]]:
    """Each manifest of a corpus with the best that is known of its clips now; the rest is `pending`."""
    manifests = sorted(path for path in (corpus / "manifest").glob("*.csv") if path.name.count("-") == 1)
    if not manifests:
        raise UserError(f"{corpus} holds no manifest: run `snakemake corpus` first")
    for manifest in manifests:
        known = _known(corpus, manifest.stem)
        yield (
            manifest,
            [
                known.get(clip.clip_id, LedgerRow(clip.clip_id, Status.PENDING))
                for clip in read_manifest(manifest)
            ],
        )


def _known(corpus: Path, shard: str) -> dict[str, LedgerRow]:
    for stage in ("media", "clips"):
        ledger = corpus / stage / f"{shard}.ledger.csv"
        if ledger.exists():
            return {row.clip_id: row for row in read_ledger(ledger)}
    return journal_rows(corpus / "spool" / shard)


def main() -> None:
    """Print the state of a corpus, and write it to a folder where one is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="folder of the corpus, data/<name>")
    parser.add_argument("--out", type=Path, help="folder for the files; by default <corpus>/coverage")
    arguments = parser.parse_args()
    folder = arguments.out or arguments.corpus / "coverage"
    try:
        counted = _count(state(arguments.corpus), ("train", "validation", "test"), folder / MISSING)
        summary = read_json(arguments.corpus / "manifest" / "summary.json")
        print(as_text(write_coverage(folder, counted, summary)))
    except UserError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
