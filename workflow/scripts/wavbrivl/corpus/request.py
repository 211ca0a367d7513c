"""What is asked of a decoding process for one clip, and what it gives back."""

from dataclasses import dataclass

from wavbrivl.corpus.clips import Clip


@dataclass(frozen=True)
class Request:
    """What to take out of one file.

    Attributes:
        clip: the manifest's row.
        zero_ms: where zero on the file's clock lies on the source video's clock.
        frames: how many frames.
        square: `crop` or `squash`.
        tolerance: seconds that may be missing at an end of the sound.
        seed: seed of the choice of frames.
    """

    clip: Clip
    zero_ms: int
    frames: int
    square: str
    jpeg_quality: int
    tolerance: float
    seed: int


@dataclass(frozen=True)
class Extracted:
    """Members by extension, in the order of the tar, and what the ledger says about them."""

    members: dict[str, bytes]
    duration_ms: int
    silence: bool
    still: bool | None
