"""Clips of the world in VEGAS's layout (Zhou et al., 2018): the five classes of S2I, by stand-ins of ours.

`<class>/videos/video_%05d.mp4` are the cut clips, `<class>/video_info.csv` says in the order of their
numbers which seconds of which YouTube video each was. The classes keep their published folder names; what
is seen and heard in them is the embedded world's.
"""

import base64
import hashlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from wavbrivl.config.corpus import VEGAS_CLASSES, WorldConfig
from wavbrivl.corpus.vegas import COLUMNS
from wavbrivl.files import atomic
from wavbrivl.progress import track
from wavbrivl.world.classes import BY_NAME
from wavbrivl.world.make import write_csv
from wavbrivl.world.plan import SNR_DB, Segment, VideoPlan
from wavbrivl.world.seeds import generator
from wavbrivl.world.videos import encode

STAND_INS = dict(zip(VEGAS_CLASSES, ("bird", "ball", "wheel", "rocket", "cloud"), strict=True))
"""Which class of the world stands for each class of the layout."""

SECONDS = 2
_TAIL_MS = 100
_WIDTH, _HEIGHT = 400, 224
_SOUNDS = ((22050, 1), (44100, 2))


def write_vegas(out: Path, config: WorldConfig, seed: int) -> None:
    """Write the layout; a video that is already there is whole and stays.

    Args:
        out: the root, which holds one folder a class.
        config: how many clips a class.
        seed: of everything that is drawn.
    """
    for name in VEGAS_CLASSES:
        clips = list(plan_class(name, config.vegas_clips_per_class, seed))
        for number, (plan, _) in enumerate(track(clips, f"clips of {name}")):
            path = Path(out) / name / "videos" / f"video_{number:05d}.mp4"
            if not path.is_file():
                with atomic(path) as temporary:
                    encode(plan, temporary)
        rows = [(plan.video_id, start, start + SECONDS) for plan, start in clips]
        write_csv(Path(out) / name / "video_info.csv", COLUMNS, rows)


def plan_class(name: str, clips: int, seed: int) -> Iterator[tuple[VideoPlan, int]]:
    """Each clip of a class as a video of one event, and the second of its source at which it begins."""
    event = BY_NAME[STAND_INS[name]]
    for number in range(clips):
        rng = generator("vegas", seed, name, number)
        size, rate, tone = (round(float(value), 4) for value in rng.uniform(0, 1, 3))
        length = SECONDS * 1000 + _TAIL_MS
        segment = Segment(
            event, size, rate, tone, round(float(rng.uniform(*SNR_DB)), 2), 0, length, 0, SECONDS * 1000, 0
        )
        sample_rate, channels = _SOUNDS[int(rng.integers(len(_SOUNDS)))]
        plan = VideoPlan(
            video_id=_video_id(seed, name, number),
            split="",
            width=_WIDTH,
            height=_HEIGHT,
            fps=Fraction(10),
            channels=channels,
            sample_rate=sample_rate,
            preset="ultrafast",
            faststart=True,
            picture_offset_ms=int(rng.integers(30000)),
            sound_offset_ms=int(rng.integers(30000)),
            segments=(segment,),
        )
        yield plan, int(rng.integers(300))


def _video_id(seed: int, name: str, number: int) -> str:
    """Eleven characters, as YouTube's."""
    digest = hashlib.sha256(f"vegas/{seed}/{name}/{number}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:8]).decode().rstrip("=")
