"""What several commands share: the model's options, and embedding of sounds, images and texts by name."""

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wavbrivl.errors import UserError
from wavbrivl.progress import track

if TYPE_CHECKING:
    import numpy as np

    from wavbrivl.api.model import WavBriVL

logger = logging.getLogger("wavbrivl")
KINDS = ("sound", "image", "text")
CHUNK = 512
"""Items whose embeddings are held at once where they are printed as they come."""


def add_model(parser: argparse.ArgumentParser) -> None:
    """The options that say which model."""
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="exported model's folder, or its id on the hub"
    )
    parser.add_argument(
        "--teacher",
        metavar="DIR",
        help="the teacher's folder (default: teacher/ in the model's or beside it)",
    )
    parser.add_argument("--revision", help="commit, tag or branch of the model on the hub")
    parser.add_argument("--teacher-revision", metavar="REVISION", help="the same of a teacher on the hub")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: a GPU where there is one)")


def positive(text: str) -> int:
    """An option's whole number from 1 on."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return number


def load(arguments: argparse.Namespace) -> "WavBriVL":
    """The model that the options name."""
    from wavbrivl.api.model import WavBriVL

    return WavBriVL.from_pretrained(
        arguments.model,
        arguments.teacher,
        arguments.device,
        arguments.revision,
        teacher_revision=arguments.teacher_revision,
    )


@dataclass
class Embedded:
    """Items that could be embedded, in order, and how many could not.

    Attributes:
        ids: what each row is of.
        embedding: float32 [n, embedding_dim]; None for images and texts.
        projection: float32 [n, teacher_dim], unit length.
        failures: items that were left out; each was reported on standard error.
    """

    ids: list[str]
    projection: "np.ndarray"
    embedding: "np.ndarray | None" = None
    failures: int = 0


@dataclass
class _Failures:
    """Reports items that fail, and remembers which they were."""

    items: Sequence[str]
    numbers: set[int] = field(default_factory=set)

    def __call__(self, number: int, error: UserError) -> None:
        self.numbers.add(number)
        text = str(error).replace(f"sound {number} ", f"{self.items[number]}: ")
        print(f"wavbrivl: {text}", file=sys.stderr)


def embed_chunks(model: "WavBriVL", kind: str, items: Sequence[str]) -> Iterator[Embedded]:
    """Embed items, at most CHUNK of them at a time; what cannot be read is reported and left out."""
    waiting = track(items, f"{kind}s", total=len(items))
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        yield _embed(model, kind, chunk, (next(waiting) for _ in chunk))
    next(waiting, None)  # lets the progress say that it is done


def embed_items(model: "WavBriVL", kind: str, items: Sequence[str]) -> Embedded:
    """All items at once.

    Raises:
        UserError: none of them could be read.
    """
    import numpy as np

    parts = list(embed_chunks(model, kind, items))
    whole = Embedded(
        [name for part in parts for name in part.ids],
        np.concatenate([part.projection for part in parts]),
        np.concatenate([part.embedding for part in parts]) if kind == "sound" else None,
        sum(part.failures for part in parts),
    )
    if not whole.ids:
        raise UserError(f"none of the {len(items)} {kind}s could be read")
    return whole


def _embed(model: "WavBriVL", kind: str, items: Sequence[str], tracked: Iterator[str]) -> Embedded:
    from wavbrivl.audio.stream import embed_streams

    failed = _Failures(items)
    embedding = None
    if kind == "sound":
        both = embed_streams(model.encoder, map(_heard, tracked), failed=failed)
        embedding, projection = both.embedding, both.projection
    elif kind == "image":
        projection = model.embed_images(tracked, failed=failed)
    else:
        projection = model.embed_texts(list(tracked))
    kept = [item for number, item in enumerate(items) if number not in failed.numbers]
    return Embedded(kept, projection, embedding, len(failed.numbers))


def _heard(path: str, every: float = 5.0) -> Iterator["np.ndarray"]:
    """A file's blocks; how far a long one is goes to the log."""
    from wavbrivl.audio.files import RATE, stream_audio

    last, samples = time.monotonic(), 0
    for block in stream_audio(Path(path)):
        yield block
        samples += len(block)
        if time.monotonic() - last >= every:
            last = time.monotonic()
            logger.info("%s: %.0f s heard", path, samples / RATE)
