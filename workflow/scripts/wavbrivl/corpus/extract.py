"""One clip: from a fetched MP4 to the members of a media shard."""

import hashlib
import io
import json
from dataclasses import asdict
from typing import Any

import numpy as np
import soundfile

from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.decode import RATE
from wavbrivl.corpus.decode import Clip as Media
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.picture import squares
from wavbrivl.corpus.request import Extracted, Request
from wavbrivl.corpus.timeline import MediaError, Track

SILENCE = 1e-4  # peak of full scale: below the last bit and a half of 16
_ROUNDING = 1e-6  # seconds
STILL_DIFFERENCE = 1.0  # mean absolute difference of two frames, of 255


def extract(data: bytes, request: Request) -> Extracted:
    """Take the sound and the frames of [start, end) out of a file, in one pass.

    Raises:
        MediaError: a ledger status and its cause.
    """
    clip = request.clip
    start, end = (clip.start_ms - request.zero_ms) / 1000, (clip.end_ms - request.zero_ms) / 1000
    media = Media(data)
    sound = media.sound_between(start, end, request.tolerance)
    chosen = choose_frames(frames_shown(media, start, end), request)
    frames = [media.frame(index) for index in chosen]
    quality = {
        "silence": bool(np.abs(sound).max(initial=0) < SILENCE),
        "still": _still(media, frames, start, end),
    }
    members = _pictures(frames, request)
    members["flac"] = _flac(sound)
    meta = _meta(clip, media, chosen, request, len(sound), frames[0].shape, quality)
    members["json"] = json.dumps(meta, ensure_ascii=False, sort_keys=True).encode()
    return Extracted(dict(sorted(members.items())), round(media.duration * 1000), **quality)


def frames_shown(media: Media, start: float, end: float) -> np.ndarray:
    """Indices of the frames that begin within [start, end); where none does, the one that stays on show.

    Raises:
        MediaError: too short, where the picture has not begun or is over.
    """
    times = media.frame_times
    inside = np.flatnonzero((times >= start - _ROUNDING) & (times < end - _ROUNDING))
    before = np.flatnonzero(times < start)
    if len(inside):
        return inside
    if not len(before) or media.video.ends <= start:
        said = f"no picture within the clip, {start:.3f} to {end:.3f} s"
        raise MediaError(
            Status.TOO_SHORT, f"{said}; it lasts from {times[0]:.3f} to {media.video.ends:.3f} s"
        )
    return before[-1:]


def choose_frames(shown: np.ndarray, request: Request) -> list[int]:
    """The chosen of these frames: one in each of `request.frames` equal shares of them.

    Which one is a hash of the seed, the clip id and the share's number. Sorted.
    """
    count = request.frames
    places = [(k + _draw(request.seed, request.clip.clip_id, k)) / count for k in range(count)]
    return [int(shown[int(place * len(shown))]) for place in places]


def _draw(seed: int, clip_id: str, k: int) -> float:
    digest = hashlib.sha256(f"{seed}\x00frame\x00{clip_id}\x00{k}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _still(media: Media, frames: list[np.ndarray], start: float, end: float) -> bool:
    """Whether the picture never changes.

    A frame that differs from the one before costs bytes: where the packets between key frames are
    not tiny, the picture moves. Where they are, the chosen frame is compared with the first and the last.
    """
    if _packets_show_motion(media.video, start, end, frames[0].shape):
        return False
    shown = frames_shown(media, start, end)
    first = int(shown[0])
    if first and media.frame_times[first] > start + _ROUNDING:
        first -= 1  # on show when the clip begins
    others = {first, int(shown[-1])}
    return all(
        np.abs(frames[0].astype(np.int16) - media.frame(other)).mean() < STILL_DIFFERENCE for other in others
    )


def _packets_show_motion(track: Track, start: float, end: float, shape: tuple[int, ...]) -> bool:
    between = ~track.keys & (track.times >= start) & (track.times < end)
    if not between.any():
        return bool(track.keys.all()) and len(track.times) > 1 and len(set(track.sizes.tolist())) > 1
    return bool(track.sizes[between].mean() > max(64, shape[0] * shape[1] / 2000))


def _pictures(frames: list[np.ndarray], request: Request) -> dict[str, bytes]:
    members = {}
    for number, frame in enumerate(frames):
        prefix = f"{number}." if number else ""
        for name, data in squares(frame, request.square, request.jpeg_quality).items():
            members[prefix + name] = data
    return members


def _flac(sound: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    samples = np.clip(np.rint(sound * 32767.0), -32768, 32767).astype(np.int16)
    soundfile.write(buffer, samples, RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _meta(
    clip: Clip, media: Media, chosen: list[int], request: Request, n_samples: int,
    shape: tuple[int, ...], quality: dict[str, bool | None],
) -> dict[str, Any]:  # fmt: skip
    row = asdict(clip)
    del row["address"]
    times = [round(float(media.frame_times[i]) * 1000) + request.zero_ms for i in chosen]
    return row | {
        "frame_times_ms": times,
        "duration_ms": clip.end_ms - clip.start_ms,
        "n_samples": n_samples,
        "width": shape[1],
        "height": shape[0],
        "quality": quality,
    }
