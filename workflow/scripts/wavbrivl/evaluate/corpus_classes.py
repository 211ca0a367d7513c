"""The classes of a corpus: its splits as labelled sounds, from the tables that their embeddings came with."""

from collections.abc import Sequence
from pathlib import Path

from wavbrivl.corpus.ledger import Status, coverage, read_ledger
from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import Clip, EmbeddedBenchmark, ReadBenchmark
from wavbrivl.evaluate.encoders import Embedded
from wavbrivl.evaluate.gallery import read_clips
from wavbrivl.evaluate.matrix import Matrix
from wavbrivl.evaluate.result import Coverage, Exclusion, Part


def corpus_labels(tables: Sequence[Path]) -> tuple[str, ...]:
    """All labels of these splits, sorted, which is VGG-Sound's own order of classes.

    Raises:
        UserError: clips without labels, or of a single class.
    """
    labels = {row["label"] for table in tables for row in read_clips(table)}
    if "" in labels:
        raise UserError(f"{tables[0]}: clips without a label cannot be classified")
    if len(labels) < 2:
        raise UserError(f"{tables[0]}: classification needs two classes, and there are {len(labels)}")
    return tuple(sorted(labels))


def labelled_clips(table: Path) -> list[Clip]:
    """The clips of a split; there are no folds, and clips of one video belong together."""
    return [
        Clip(row["clip_id"], Path(row["clip_id"]), row["label"], 0, row["video_id"])
        for row in read_clips(table)
    ]


def embedded_split(
    table: Path,
    matrix: Matrix,
    labels: tuple[str, ...],
    dataset: str,
    listed: Part | None = None,
) -> EmbeddedBenchmark:
    """A split with its embeddings.

    Args:
        listed: what the ledgers say of the split (`listed`).

    Raises:
        UserError: the matrix is of other clips.
    """
    clips = labelled_clips(table)
    if [clip.name for clip in clips] != matrix.items:
        raise UserError(f"{table}: the sounds of '{matrix.encoder}' are of other clips")
    sounds = ReadBenchmark(dataset, labels, tuple(clips), matrix.encoder, listed=listed)
    return EmbeddedBenchmark(sounds, Embedded(matrix.embedding, matrix.projection))


def listed_parts(ledgers: Sequence[Path]) -> dict[str, Part]:
    """What became of the clips of each split: those missing of the test split are listed, of others counted.

    A training split of 180,000 clips may lack a third, and every metrics file would repeat the list.

    Args:
        ledgers: of all shards, `<split>-<number>.ledger.csv`.
    """
    by_split: dict[str, list[Path]] = {}
    for path in ledgers:
        by_split.setdefault(path.name.rpartition("-")[0], []).append(path)
    return {split: _listed(split, paths) for split, paths in by_split.items()}


def _listed(split: str, ledgers: Sequence[Path]) -> Part:
    counted = Coverage(**coverage(ledgers))
    if split != "test":
        return Part(coverage=counted, listed_in=str(ledgers[0].parent / f"{split}-*.ledger.csv"))
    missing = [row for path in ledgers for row in read_ledger(path) if row.status != Status.OK]
    return Part(
        coverage=counted, exclusions=[Exclusion(item=row.clip_id, cause=str(row.status)) for row in missing]
    )
