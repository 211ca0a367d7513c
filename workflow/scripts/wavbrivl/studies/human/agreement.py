"""How far raters agree, and how sure a share is."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

_Z = 1.959963984540054


def krippendorff_alpha(units: Sequence[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal answers (Hayes and Krippendorff, 2007); answers may be missing.

    Args:
        units: for each question, the answers that it got; questions with fewer than two do not count.

    Returns:
        1 for full agreement, 0 for what chance gives; None where no question has two answers, or where all
        answers are the same, so that nothing can be said.
    """
    paired = [unit for unit in units if len(unit) > 1]
    totals = Counter(answer for unit in paired for answer in unit)
    n = totals.total()
    expected = sum(a * b for x, a in totals.items() for y, b in totals.items() if x != y)
    if n < 2 or expected == 0:
        return None
    observed = 0.0
    for unit in paired:
        counts = Counter(unit)
        unequal = sum(a * b for x, a in counts.items() for y, b in counts.items() if x != y)
        observed += unequal / (len(unit) - 1)
    return float(1 - (n - 1) * observed / expected)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927); [0, 1] of nothing.

    It takes the answers as independent, which those of one rater, or to one question, are not quite.
    """
    if n == 0:
        return 0.0, 1.0
    share = hits / n
    centre = share + _Z**2 / (2 * n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    low, high = (centre - half) / (1 + _Z**2 / n), (centre + half) / (1 + _Z**2 / n)
    return float(max(low, 0.0)), float(min(high, 1.0))
