"""One matrix a split out of the parts that jobs embedded, with the rows that name its clips."""

import csv
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.files import atomic
from wavbrivl.progress import track
from wavbrivl.shards.reader import MediaShards

COLUMNS = ("clip_id", "video_id", "label")


def join_split(shards: MediaShards, parts: Mapping[str, Path], out_npy: Path, out_csv: Path) -> None:
    """Write a split's embeddings.

    Args:
        shards: the split's media shards; their indexes are read, and nothing else.
        parts: for each shard's name the `.npz` that holds its matrix; of all splits.
        out_npy: matrix [clips, rows, dim], in the shards' order.
        out_csv: its rows: clip_id, video_id, label.

    Raises:
        UserError: a part lacks a shard, or has another number of its clips.
    """
    sizes = [0] * len(shards.tars)
    for clip in shards.clips:
        sizes[clip.shard] += 1
    pairs = list(zip(shards.tars, sizes, strict=True))
    first = _array(*next(iter(parts.items()))) if not pairs else _read(*pairs[0], parts)
    with atomic(out_npy) as temporary, temporary.open("wb") as handle:
        shape = (len(shards), *first.shape[1:])
        np.lib.format.write_array_header_1_0(
            handle, {"descr": first.dtype.str, "fortran_order": False, "shape": shape}
        )
        for tar, size in track(pairs, f"shards joined for {out_npy.name}"):
            handle.write(np.ascontiguousarray(_read(tar, size, parts)).data)
    write_rows(shards, out_csv)


def write_rows(shards: MediaShards, path: Path) -> None:
    """Write clip_id, video_id and label of every clip, in order."""
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(clip, column) for column in COLUMNS] for clip in shards.clips)


def _read(tar: Path, size: int, parts: Mapping[str, Path]) -> np.ndarray:
    path = parts[tar.stem]
    matrix = _array(tar.stem, path)
    if matrix.ndim != 3 or len(matrix) != size:
        raise UserError(f"{path}: {tar.stem} has shape {matrix.shape}, and its index names {size} clips")
    return matrix


def _array(shard: str, path: Path) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as part:
            return part[shard]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise UserError(f"{path} does not hold the embeddings of {shard} ({error})") from None
