"""What a judge says of images, and what follows from it. A judge is never the model that guided a drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.evaluate.ranking import ranks_from_scores


@dataclass(frozen=True)
class Judgement:
    """What a judge says of n images.

    Attributes:
        probabilities: of each class, [n, classes] float64.
        hidden: hidden parameters that it reads off the image, [n, 3], or None where it reads none.
    """

    probabilities: np.ndarray
    hidden: np.ndarray | None


class Judge(Protocol):
    """Something that compares images with classes.

    Attributes:
        name: what tables and metrics call it.
        labels: the classes it chooses between, in the order of its probabilities.
    """

    name: str
    labels: tuple[str, ...]

    def judge(self, images: np.ndarray) -> Judgement:
        """Judge uint8 images [n, any, any, 3]; no image's judgement depends on the others."""
        ...


def hits(judge: Judge, judgement: Judgement, labels: Sequence[str]) -> np.ndarray:
    """R@1 of each image: 1 where its class comes first, a share where several tie; [n].

    Raises:
        UserError: a class that the judge does not know.
    """
    own = places_of(judge, labels)
    return ranks_from_scores(judgement.probabilities, own).hits(1)


def places_of(judge: Judge, labels: Sequence[str]) -> np.ndarray:
    """The column of each label in the judge's answers, [n] int64.

    Raises:
        UserError: a class that the judge does not know.
    """
    place = {label: i for i, label in enumerate(judge.labels)}
    unknown = sorted(set(labels) - set(place))
    if unknown:
        raise UserError(f"the judge '{judge.name}' does not know the class '{unknown[0]}'")
    return np.array([place[label] for label in labels], dtype=np.int64)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows of logits as probabilities, float64."""
    logits = np.asarray(logits, dtype=np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def gray(images: np.ndarray) -> np.ndarray:
    """The luma of uint8 images in all three channels."""
    luma = np.round(images.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32))
    return np.repeat(luma[..., None].astype(np.uint8), 3, axis=-1)
