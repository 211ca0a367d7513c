"""Captions as words, and words as numbers."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

PAD, BEGIN, END, UNKNOWN = range(4)
SPECIAL = ("[pad]", "[begin]", "[end]", "[unknown]")

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


def words_of(caption: str) -> list[str]:
    """The words of a caption in lower case, without punctuation; hyphens and apostrophes inside stay."""
    return _WORD.findall(caption.lower())


@dataclass(frozen=True)
class Vocabulary:
    """Words by number; the first four are special."""

    words: tuple[str, ...]

    @cached_property
    def place(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, caption: str, maximum_words: int) -> list[int]:
        """Numbers of the words, between those for begin and end; at most `maximum_words` of them."""
        numbers = [self.place.get(word, UNKNOWN) for word in words_of(caption)[:maximum_words]]
        return [BEGIN, *numbers, END]

    def decode(self, numbers: Iterable[int]) -> str:
        """Words until the end, joined by spaces; special ones are left out."""
        kept = []
        for number in numbers:
            if number == END:
                break
            if number >= len(SPECIAL):
                kept.append(self.words[number])
        return " ".join(kept)


def build_vocabulary(captions: Iterable[str], minimum_count: int = 1) -> Vocabulary:
    """Every word of the captions that occurs often enough, in alphabetical order."""
    counts = Counter(word for caption in captions for word in words_of(caption))
    kept = sorted(word for word, count in counts.items() if count >= minimum_count)
    return Vocabulary((*SPECIAL, *kept))


def padded(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Rows of numbers, filled up to the longest."""
    length = max(len(row) for row in rows)
    return [[*row, *[PAD] * (length - len(row))] for row in rows]
