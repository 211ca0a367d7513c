"""From where sounds and texts lie in the teacher's space to where images lie: fitted on train clips only."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wavbrivl.config.generation import MappingConfig
from wavbrivl.errors import UserError
from wavbrivl.files import atomic

_LEAST = 1e-6


@dataclass(frozen=True)
class Mapping:
    """An affine map x -> x A + b, followed by unit length.

    Attributes:
        matrix: A, float32 [dim, dim].
        offset: b, float32 [dim].
    """

    matrix: np.ndarray
    offset: np.ndarray

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Map float32 [n, dim]; unit length again."""
        moved = vectors.astype(np.float64) @ self.matrix + self.offset
        return (moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def identity(dim: int) -> Mapping:
    """The map that changes nothing."""
    return Mapping(np.eye(dim, dtype=np.float32), np.zeros(dim, dtype=np.float32))


def fit_mapping(sources: np.ndarray, images: np.ndarray, config: MappingConfig) -> Mapping:
    """Fit the map on pairs of vectors.

    Args:
        sources: g(audio) or text embeddings, [n, dim].
        images: image embeddings of the same clips, [n, dim].
        config: `moments` moves mean and standard deviation of each dimension; `linear` is the least
            squares map of the centred vectors, pulled towards the identity by `ridge`.
    """
    sources, images = sources.astype(np.float64), images.astype(np.float64)
    source_mean, image_mean = sources.mean(axis=0), images.mean(axis=0)
    if config.kind == "moments":
        scale = images.std(axis=0) / np.maximum(sources.std(axis=0), _LEAST)
        matrix = np.diag(scale)
    else:
        x, y = sources - source_mean, images - image_mean
        covariance = x.T @ x + config.ridge * np.eye(x.shape[1])
        matrix = np.eye(x.shape[1]) + np.linalg.solve(covariance, x.T @ (y - x))
    offset = image_mean - source_mean @ matrix
    return Mapping(matrix.astype(np.float32), offset.astype(np.float32))


def write_mappings(path: Path, mappings: dict[str, Mapping]) -> None:
    """Write the maps of several kinds (audio, text) into one `.npz`."""
    arrays = {
        f"{kind}.{part}": getattr(mapping, part)
        for kind, mapping in mappings.items()
        for part in ("matrix", "offset")
    }
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **arrays)


def read_mappings(path: Path) -> dict[str, Mapping]:
    """Read what `write_mappings` wrote; nothing in it is unpickled.

    Raises:
        UserError: it is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            kinds = sorted({name.split(".")[0] for name in file.files})
            return {kind: Mapping(file[f"{kind}.matrix"], file[f"{kind}.offset"]) for kind in kinds}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UserError(f"{path} cannot be read as a map between modalities ({error})") from None
