"""One result of a check, for the doctor."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and a sentence about it."""

    subject: str
    state: Literal["ok", "warning", "failed", "absent"]
    message: str
