"""The classes of a corpus: its splits as labelled sounds, from the tables that their embeddings came with."""

from collections.abc import Sequence
from pathlib import Path

from wavbrivl.errors import UserError
from wavbrivl.evaluate.benchmark import Clip, EmbeddedBenchmark, ReadBenchmark
from wavbrivl.evaluate.encoders import Embedded
from wavbrivl.evaluate.gallery import read_clips
from wavbrivl.evaluate.matrix import Matrix
from wavbrivl.evaluate.result import Coverage


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
    listed: Coverage | None = None,
) -> EmbeddedBenchmark:
    """A split with its embeddings.

    Raises:
        UserError: the matrix is of other clips.
    """
    clips = labelled_clips(table)
    if [clip.name for clip in clips] != matrix.items:
        raise UserError(f"{table}: the sounds of '{matrix.encoder}' are of other clips")
    sounds = ReadBenchmark(dataset, labels, tuple(clips), matrix.encoder, listed=listed)
    return EmbeddedBenchmark(sounds, Embedded(matrix.embedding, matrix.projection))
