"""Image-text pairs of media shards: which text a clip has, and its frames at the tower's size."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from wavbrivl.corpus.rows import LABEL_SEPARATOR
from wavbrivl.errors import UserError
from wavbrivl.labels.loader import SETS, label_file, plain, read_labels
from wavbrivl.progress import track
from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.preprocess import shrink

SOURCE_SIZE = 360
"""Side of the stored square that the tower's input is resized from."""


class NoTextError(UserError):
    """A clip has neither a caption nor a label in the teacher's language."""


@dataclass(frozen=True)
class Texts:
    """What is said of each clip; all lists in the shards' order.

    Attributes:
        captions: the caption, or the label where a clip has none.
        names: the label in the teacher's language, or the caption where it has no translation.
        labels: the label as the corpus writes it.
    """

    captions: list[str]
    names: list[str]
    labels: list[str]

    def __len__(self) -> int:
        return len(self.captions)

    def numbered(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """int64 [n] each: numbers of captions, names and labels; equal texts have equal numbers."""
        texts = number([*self.captions, *self.names])
        return texts[: len(self)], texts[len(self) :], number(self.labels)


def number(texts: Sequence[str]) -> np.ndarray:
    """int64 [n]: equal numbers for equal texts, counted in order of first appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int64)


def name_of(meta: dict[str, Any], language: str) -> str:
    """The clip's label in words of the language; empty where it has no translation.

    A list without translations of its own takes those of the label sets that come with the package.
    """
    labels = meta["label"].split(LABEL_SEPARATOR)
    if language == "en":
        return ", ".join(label.replace("_", " ") for label in labels)
    known = [_translations().get(plain(label), "") for label in labels]
    return meta.get("label_zh") or ("、".join(known) if all(known) else "")


@cache
def _translations() -> dict[str, str]:
    """Chinese by label as words, of every set; where two sets have the same label, the first one's."""
    found: dict[str, str] = {}
    for name in SETS:
        found = read_labels(label_file(name)) | found
    return found


def caption_of(meta: dict[str, Any], language: str) -> str:
    """The clip's caption in the language, or its label where it has none.

    Raises:
        NoTextError: there is neither a caption nor a label in that language.
    """
    caption = meta.get(f"caption_{language}") or name_of(meta, language)
    if not caption:
        raise NoTextError(
            f"clip {meta['clip_id']}: neither a caption nor the label {meta['label']!r} is there in "
            f"language '{language}', which teacher.language asks for"
        )
    return caption


def read_texts(shards: MediaShards, language: str, split: str, wordless: bool = False) -> Texts:
    """Caption, label and label words of every clip.

    Args:
        wordless: a split of which nothing at all is said, as that of a folder of videos, has empty texts.

    Raises:
        UserError: there are no clips, a clip is of another split, or it has no text in the language.
    """
    if len(shards) == 0:
        raise UserError(f"the {split} split holds no clip, so there is nothing for the teacher")
    metas = [shards.meta(clip) for clip in track(range(len(shards)), f"{split} captions")]
    stray = [meta["clip_id"] for meta in metas if meta["split"] != split]
    if stray:
        raise UserError(f"clip {stray[0]} is not of the split '{split}': splits never mix in the teacher")
    if wordless and not any(meta["label"] or meta.get(f"caption_{language}") for meta in metas):
        return Texts(*([""] * len(metas) for _ in range(3)))
    captions = [caption_of(meta, language) for meta in metas]
    names = [name_of(meta, language) or caption for meta, caption in zip(metas, captions, strict=True)]
    return Texts(captions, names, [meta["label"] for meta in metas])


class Frames:
    """Training frames as uint8 squares of the tower's size.

    Args:
        shards: where they come from.
        size: side of the square.
        antialias: smooth before shrinking.
        in_memory: decode everything once if there are no more frames than this.
    """

    def __init__(self, shards: MediaShards, size: int, antialias: bool, in_memory: int):
        self._shards, self._size, self._antialias = shards, size, antialias
        self.counts = np.array([shards.frames(clip) for clip in range(len(shards))], dtype=np.int64)
        self._first = np.concatenate([[0], np.cumsum(self.counts)])
        self._kept = self._decode_all() if self._first[-1] <= in_memory else None

    def batch(self, clips: Sequence[int], frames: Sequence[int]) -> np.ndarray:
        """uint8 [B, size, size, 3]: the given frame of each given clip."""
        if self._kept is not None:
            return self._kept[self._first[np.asarray(clips)] + np.asarray(frames)]
        return np.stack([self._read(clip, frame) for clip, frame in zip(clips, frames, strict=True)])

    def _decode_all(self) -> np.ndarray:
        kept = np.empty((self._first[-1], self._size, self._size, 3), dtype=np.uint8)
        for clip in track(range(len(self.counts)), "clips decoded for the teacher"):
            for frame in range(self.counts[clip]):
                kept[self._first[clip] + frame] = self._read(clip, frame)
        return kept

    def _read(self, clip: int, frame: int) -> np.ndarray:
        return shrink(self._shards.image(int(clip), SOURCE_SIZE, int(frame)), self._size, self._antialias)
