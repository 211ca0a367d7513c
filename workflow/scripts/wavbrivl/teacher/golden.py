"""BriVL's published vectors, as a check of weights and arithmetic together.

BAAI's repository (github.com/BAAI-WuDao/BriVL, BriVL-code-inference) ships three pictures with captions and a
detector's boxes, and what its weights make of them. Which input size that was is not recorded: 380 is tried
first, then 456. For NMI's weights nothing of the kind was published.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from wavbrivl.errors import UserError
from wavbrivl.findings import Finding
from wavbrivl.progress import track
from wavbrivl.teacher.boxes import COUNT
from wavbrivl.teacher.model import Teacher

WHERE = "github.com/BAAI-WuDao/BriVL, folder BriVL-code-inference"
COSINE = 0.999
"""What each row must reach beside the published one."""

CLOSE = 0.002
"""How far each of the four published first values may be, where the whole rows are not at hand."""

MATRIX_CLOSE = 0.01


@dataclass(frozen=True)
class Golden:
    """What was published: facts, four digits of each."""

    names: tuple[str, ...]
    cosines: tuple[tuple[float, ...], ...]
    images: tuple[tuple[float, ...], ...]
    texts: tuple[tuple[float, ...], ...]
    sizes: tuple[int, ...] = (380, 456)
    caption: str = "sur_text"


BAAI = Golden(
    names=("baike_14361859_0", "baike_14014334_0", "baike_14708276_0"),
    cosines=((0.6108, 0.0781, 0.1057), (-0.1764, 0.8181, -0.0783), (-0.0309, 0.0099, 0.7443)),
    images=(
        (-0.02177, 0.01256, 0.01543, -0.02219),
        (0.02253, 0.01774, -0.00515, 0.00485),
        (-0.02211, -0.00820, 0.02956, -0.03340),
    ),
    texts=(
        (-0.00161, -0.00701, 0.02332, 0.00643),
        (-0.00201, 0.01954, 0.01279, 0.00555),
        (-0.03601, 0.00115, 0.04100, -0.02647),
    ),
)


@dataclass(frozen=True)
class Examples:
    """The user's copy of the examples: pictures, boxes and captions in the published order."""

    images: list[np.ndarray]
    boxes: list[np.ndarray]
    captions: list[str]
    rows: dict[str, np.ndarray] = field(default_factory=dict)
    """`image` and `text`: the published arrays, where they are at hand."""


def read_examples(folder: Path, golden: Golden = BAAI) -> Examples:
    """Find pictures, example.jsonl and, if there, np_img.npy and np_text.npy below a folder.

    Raises:
        UserError: what is missing, and where it is to be had.
    """
    pictures = {path.stem: path for path in sorted(folder.rglob("*.jpg"))}
    missing = [name for name in golden.names if name not in pictures]
    if missing:
        raise UserError(f"{folder} lacks the picture {missing[0]}.jpg ({WHERE}/data/imgs)")
    lines = _lines(folder)
    unknown = [name for name in golden.names if name not in lines]
    if unknown:
        raise UserError(
            f"{folder} has no *.jsonl with boxes of {unknown[0]} ({WHERE}/data/jsonls/example.jsonl)"
        )
    entries = [lines[name] for name in golden.names]
    return Examples(
        images=[np.asarray(Image.open(pictures[name]).convert("RGB")) for name in golden.names],
        boxes=[np.array(entry["bbox"], dtype=np.float32).reshape(-1, 4) for entry in entries],
        captions=[dict(entry["sentences"])[golden.caption] for entry in entries],
        rows={
            what: np.load(path, allow_pickle=False)
            for what, name in (("image", "np_img.npy"), ("text", "np_text.npy"))
            if (path := next(iter(sorted(folder.rglob(name))), None))
        },
    )


def check_golden(
    teacher_at: Callable[[int], Teacher], examples: Examples, with_texts: bool, golden: Golden = BAAI
) -> tuple[list[Finding], int | None]:
    """Compare embeddings with the published ones.

    Args:
        teacher_at: the teacher at an input size.
        with_texts: whether its vocabulary is at hand.

    Returns:
        Findings for images, texts and their cosines, and the input size at which the images are met.
    """
    tried, met, embedded = [], None, np.zeros((0, 0))
    for size in track(golden.sizes, "input sizes tried"):
        embedded = np.concatenate(
            [
                teacher_at(size).embed_images(image[None], boxes=_regions(boxes, image, size))
                for image, boxes in zip(examples.images, examples.boxes, strict=True)
            ]
        )
        good, sentence = _beside(embedded, examples.rows.get("image"), golden.images)
        tried.append(f"at {size} pixels {sentence}")
        if good:
            met = size
            break
    state = "failed" if met is None else "ok"
    found = [Finding("golden images", state, "; ".join(tried))]
    if not with_texts:
        return [
            *found,
            Finding("golden texts", "absent", "no vocabulary is at hand, so texts are not tried"),
        ], met
    texts = teacher_at(met or golden.sizes[0]).embed_texts(examples.captions)
    good, sentence = _beside(texts, examples.rows.get("text"), golden.texts)
    found.append(Finding("golden texts", "ok" if good else "failed", sentence))
    return [*found, _cosines(embedded, texts, golden)], met


def _beside(
    found: np.ndarray, rows: np.ndarray | None, firsts: Sequence[Sequence[float]]
) -> tuple[bool, str]:
    """Whether embeddings are the published ones, and by how much."""
    if rows is not None and rows.shape == found.shape:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        lowest = float((found * unit).sum(axis=1).min())
        return (
            lowest >= COSINE,
            f"the lowest cosine with the published arrays is {lowest:.4f} (needed: {COSINE})",
        )
    far = float(np.abs(found[:, : len(firsts[0])] - np.array(firsts)).max())
    return (
        far <= CLOSE,
        f"the first values differ by {far:.4f} at most from the published ones (allowed: {CLOSE})",
    )


def _cosines(images: np.ndarray, texts: np.ndarray, golden: Golden) -> Finding:
    far = float(np.abs(images @ texts.T - np.array(golden.cosines)).max())
    sentence = (
        f"image-text cosines differ by {far:.4f} at most from the published ones (allowed: {MATRIX_CLOSE})"
    )
    return Finding("golden cosines", "ok" if far <= MATRIX_CLOSE else "failed", sentence)


def _regions(boxes: np.ndarray, image: np.ndarray, size: int) -> np.ndarray:
    """The first 36 boxes, scaled from the picture to the square, and the whole image: [1, N, 4]."""
    height, width = image.shape[:2]
    scaled = boxes[:COUNT] * np.array([size / width, size / height] * 2, dtype=np.float32)
    return np.concatenate([scaled, [[0, 0, size, size]]]).astype(np.float32)[None]


def _lines(folder: Path) -> dict[str, dict[str, Any]]:
    """Entries of every *.jsonl with a picture's name and boxes, by that name."""
    found = {}
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line) if line.strip() else {}
            if {"image_id", "bbox", "sentences"} <= set(entry):
                found[Path(entry["image_id"]).stem] = entry
    return found
