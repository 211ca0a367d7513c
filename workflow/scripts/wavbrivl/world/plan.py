"""What a world consists of, drawn from a seed: nothing is rendered here.

A video depends on (seed, split, number) alone, so a larger world contains a smaller one, and the
result is the same in whatever order, and by however many processes, the videos are made.
"""

import base64
import hashlib
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.world.classes import CLASSES, TEMPLATES, EventClass
from wavbrivl.world.seeds import generator

GENERATION = 2
"""Part of every video id: raise it when the rendering changes, and old files are made anew."""

CLIP_MS = 2000
SNR_DB = (0.0, 20.0)
FAULTS = ("dead_link", "no_audio", "moov_lost", "stream_cut", "too_short", "no_video")
"""What is wrong with the broken videos, in their order."""

_SIZES = {"480p": (854, 480), "720p": (1280, 720), "portrait": (480, 854)}
_SIZE_SHARES = (0.89, 0.07, 0.04)
_RATES = (Fraction(10), Fraction(12), Fraction(25, 2), Fraction(15))
_RATE_SHARES = (0.7, 0.1, 0.1, 0.1)
_LONG_SHARE = 0.08
_LONG_SEGMENTS, _LONG_MS = 4, 2500
_MAX_OFFSET_MS = 30000
_OFF_FRAME_MS = 8


@dataclass(frozen=True)
class Segment:
    """One event: its class, its hidden parameters in [0, 1], and the clip that shows it (ms)."""

    event: EventClass
    size: float
    rate: float
    tone: float
    snr_db: float
    start_ms: int
    end_ms: int
    clip_start_ms: int
    clip_end_ms: int
    template: int


@dataclass(frozen=True)
class VideoPlan:
    """Everything that decides one file's bytes; offsets are those of the two time codes."""

    video_id: str
    split: str
    width: int
    height: int
    fps: Fraction
    channels: int
    sample_rate: int
    preset: str
    faststart: bool
    picture_offset_ms: int
    sound_offset_ms: int
    segments: tuple[Segment, ...]
    fault: str = ""

    @property
    def duration_ms(self) -> int:
        return self.segments[-1].end_ms

    @property
    def file(self) -> str:
        """Path below the world's folder."""
        return f"videos/{self.video_id}.mp4"


def plan_world(config: WorldConfig, seed: int) -> list[VideoPlan]:
    """All videos of a world: train, then the broken ones (train too), then test."""
    plans = _plan_split("train", config.train_videos, seed)
    if config.broken_sources:
        plans += [plan_video("train", i, 2 * i, seed, fault) for i, fault in enumerate(FAULTS)]
    return plans + _plan_split("test", config.test_videos, seed)


def _plan_split(split: str, videos: int, seed: int) -> list[VideoPlan]:
    plans: list[VideoPlan] = []
    clips = 0
    for number in range(videos):
        plans.append(plan_video(split, number, clips, seed))
        clips += len(plans[-1].segments)
    return plans


def plan_video(split: str, number: int, first_clip: int, seed: int, fault: str = "") -> VideoPlan:
    """Draw one video.

    Args:
        split: train or test.
        number: of the video within its split, or within the broken ones.
        first_clip: clips before it in its split; the classes are dealt to clips in rounds of ten.
        seed: of the world.
        fault: one of FAULTS for a broken video, which shows two events and lists the second.
    """
    rng = generator("video", GENERATION, seed, split, fault, number)
    long = bool(rng.uniform() < _LONG_SHARE) and not fault
    width, height = _SIZES[str(rng.choice(list(_SIZES), p=_SIZE_SHARES))] if not long else _SIZES["480p"]
    fps = _RATES[int(rng.choice(len(_RATES), p=_RATE_SHARES))]
    ends = _segment_ends(long, rng)
    deck = fault or split
    segments = tuple(
        _plan_segment(_dealt(deck, first_clip + i, seed), start, end, fps, rng)
        for i, (start, end) in enumerate(zip([0, *ends], ends, strict=False))
    )
    return VideoPlan(
        video_id=_video_id(seed, split, fault, number),
        split=split,
        width=width,
        height=height,
        fps=fps,
        channels=int(rng.integers(1, 3)),
        sample_rate=int(rng.choice([44100, 48000])),
        preset="superfast" if rng.uniform() < 0.1 else "ultrafast",
        faststart=bool(rng.uniform() < 0.5) if not fault else fault == "stream_cut",
        picture_offset_ms=int(rng.integers(_MAX_OFFSET_MS)),
        sound_offset_ms=int(rng.integers(_MAX_OFFSET_MS)),
        segments=segments,
        fault=fault,
    )


def listed_segments(plan: VideoPlan) -> tuple[Segment, ...]:
    """The segments whose clips stand in the list: all, or the last of a broken video."""
    return plan.segments[-1:] if plan.fault else plan.segments


def _segment_ends(long: bool, rng: np.random.Generator) -> list[int]:
    if long:
        return [_LONG_MS * (i + 1) for i in range(_LONG_SEGMENTS)]
    first = int(rng.integers(2330, 2470))
    return [first, first + int(rng.integers(2350, 2700))]


def _plan_segment(
    event: EventClass, start: int, end: int, fps: Fraction, rng: np.random.Generator
) -> Segment:
    clip_start = start + int(rng.integers(150, 250))
    # Never so close to the end that a frame of the next segment could be taken for the clip's.
    clip_start = min(clip_start, end - CLIP_MS - 60)
    while _distance_to_frame(clip_start, fps) < _OFF_FRAME_MS:
        clip_start -= 1
    size, rate, tone = (round(float(v), 4) for v in rng.uniform(0, 1, 3))
    return Segment(
        event=event,
        size=size,
        rate=rate,
        tone=tone,
        snr_db=round(float(rng.uniform(*SNR_DB)), 2),
        start_ms=start,
        end_ms=end,
        clip_start_ms=clip_start,
        clip_end_ms=clip_start + CLIP_MS,
        template=int(rng.integers(TEMPLATES)),
    )


def _distance_to_frame(ms: int, fps: Fraction) -> float:
    """Milliseconds to the nearest frame time; key frames fall on frame times too."""
    frames = float(ms * fps / 1000)
    return abs(frames - round(frames)) * 1000 / float(fps)


@lru_cache(maxsize=4096)
def _round(deck: str, number: int, seed: int) -> tuple[EventClass, ...]:
    """A shuffled round of all classes that does not begin with the class that ended the last one."""
    order = generator("classes", GENERATION, seed, deck, number).permutation(len(CLASSES))
    cards = [CLASSES[i] for i in order]
    if number and cards[0] == _round(deck, number - 1, seed)[-1]:
        cards = cards[1:] + cards[:1]
    return tuple(cards)


def _dealt(deck: str, clip: int, seed: int) -> EventClass:
    number, place = divmod(clip, len(CLASSES))
    # Rounds lean on the one before: fill the cache in order, so that recursion stays shallow.
    for earlier in range(max(0, number - 1)):
        _round(deck, earlier, seed)
    return _round(deck, number, seed)[place]


def _video_id(seed: int, split: str, fault: str, number: int) -> str:
    """Eleven characters of [A-Za-z0-9_-], as YouTube's: 64 bits. Two in each split start oddly."""
    digest = hashlib.sha256(f"{GENERATION}/{seed}/{split}/{fault}/{number}".encode()).digest()
    name = base64.urlsafe_b64encode(digest[:8]).decode().rstrip("=")
    return "-_"[number] + name[1:] if number < 2 and not fault else name
