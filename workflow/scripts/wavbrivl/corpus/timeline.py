"""When the samples of an MP4 file are due, and where they lie: its sample tables and edit lists.

Decoders disagree on what they report after a stream copy. decord counts the picture's time from
its first frame, counts the sound's from zero, and loses its place in frames that an edit list
hides. So times are read here, from the file itself: picture and sound then stand on one exact
timeline, that of the file's presentation, and decoders are handed excerpts without edit lists.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wavbrivl.corpus.ledger import Status

MAX_SAMPLES = 5_000_000  # 46 hours at 30 frames a second; a hostile table asks for billions
MAX_BOXES = 10_000  # in the header; a file that says nothing in a million of them would keep us for minutes
_MAX_PARTS = 1_000_000  # boxes of a file: a long fragmented one has two for each second
_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"}


class MediaError(Exception):
    """A clip that cannot be used: its ledger status and the cause."""

    def __init__(self, status: Status, cause: str) -> None:
        super().__init__(cause)
        self.status = status
        self.cause = cause


@dataclass(frozen=True)
class Track:
    """One stream of the file. Arrays hold one value a sample, in decoding order.

    Attributes:
        times: presentation time in seconds.
        decoding: decoding time in ticks of the track's clock.
        durations: how long it lasts, in the same ticks.
        offsets: where the sample lies in the file.
        sizes: its bytes.
        keys: whether decoding can start there.
        ends: seconds at which the last sample ends.
        shift: seconds that the edit list adds to the track's own times.
        timescale: ticks a second of the track's own clock.
        sample_rate: what the sample entry says (sound only, else 0).
        header: the track header box, which holds the rotation.
        entry: the box with the sample entries, which holds the decoder's setup.
    """

    kind: str
    times: np.ndarray
    decoding: np.ndarray
    durations: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray
    keys: np.ndarray
    ends: float
    shift: float
    timescale: int
    sample_rate: int
    header: bytes
    entry: bytes


@dataclass(frozen=True)
class Timeline:
    """The first picture track and the first sound track of a file."""

    video: Track | None
    audio: Track | None


def read_timeline(data: bytes) -> Timeline:
    """Read the tables of an MP4 or MOV file held in memory.

    Raises:
        MediaError: undecodable, where there are no tables or they contradict themselves.
    """
    try:
        return _read(memoryview(data))
    except (struct.error, ValueError, IndexError, OverflowError, ZeroDivisionError) as error:
        raise MediaError(Status.UNDECODABLE, f"malformed MP4 tables: {error}") from None


def _read(data: memoryview) -> Timeline:
    tracks: dict[str, Track] = {}
    moov = next((body for kind, _, body in _boxes(data, 0, _MAX_PARTS) if kind == b"moov"), None)
    if moov is None:
        raise MediaError(Status.UNDECODABLE, "no moov box: not an MP4 file, or cut off")
    for _ in _inside(data, moov):  # refuses a header of too many boxes before it is searched again and again
        pass
    movie_scale = _clock(data, _find(data, moov, b"mvhd"))
    for kind, _, trak in _boxes(data[: moov.stop], moov.start):
        track = _track(data, trak, movie_scale) if kind == b"trak" else None
        if track is not None:
            tracks.setdefault(track.kind, track)
    return Timeline(tracks.get("video"), tracks.get("audio"))


def _boxes(data: memoryview, start: int, most: int = MAX_BOXES) -> Iterator[tuple[bytes, int, range]]:
    """Walk sibling boxes: type, offset of the box, and the range of its content."""
    for _ in range(most):
        if start + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        stop = len(data) if size == 0 else start + size
        if size != 0 and size < header:
            raise ValueError(f"box of {size} bytes")
        yield kind, start, range(start + header, min(stop, len(data)))
        start = stop
    raise ValueError(f"more than {most} boxes")


def _inside(data: memoryview, content: range) -> Iterator[tuple[bytes, int, range]]:
    """Walk the boxes of a container and of the containers in it, in the file's order."""
    open_ = [_boxes(data[: content.stop], content.start)]
    for _ in range(MAX_BOXES):
        while open_ and (box := next(open_[-1], None)) is None:
            open_.pop()
        if not open_:
            return
        yield box
        kind, _, body = box
        if kind in _CONTAINERS:
            open_.append(_boxes(data[: body.stop], body.start))
    raise ValueError(f"more than {MAX_BOXES} boxes")


def _find(data: memoryview, content: range, wanted: bytes) -> range | None:
    return next((body for kind, _, body in _inside(data, content) if kind == wanted), None)


def _clock(data: memoryview, body: range | None) -> int:
    """Ticks a second, from a movie header or a media header (version 0 or 1)."""
    if body is None:
        raise ValueError("a header is missing")
    (scale,) = struct.unpack_from(">I", data, body.start + (20 if data[body.start] else 12))
    if not scale:
        raise ValueError("a clock of zero ticks a second")
    return scale


def _track(data: memoryview, trak: range, movie_scale: int) -> Track | None:
    handler = _find(data, trak, b"hdlr")
    if handler is None:
        return None
    kind = {b"vide": "video", b"soun": "audio"}.get(bytes(data[handler.start + 8 : handler.start + 12]))
    if kind is None:
        return None
    scale = _clock(data, _find(data, trak, b"mdhd"))
    sizes = _sizes(data, _find(data, trak, b"stsz"))
    offsets = _offsets(data, trak, sizes)
    durations = _runs(data, _find(data, trak, b"stts"), len(sizes))
    decoding = np.concatenate([[0], np.cumsum(durations)])[:-1]
    shown = decoding + _runs(data, _find(data, trak, b"ctts"), len(sizes))
    shift = _shift(data, _find(data, trak, b"elst"), movie_scale, scale)
    keys = _keys(data, _find(data, trak, b"stss"), len(sizes))
    there = offsets + sizes <= len(data)  # a file that was cut off promises more than it has
    header, entry = _find(data, trak, b"tkhd"), _find(data, trak, b"stsd")
    if header is None or entry is None:
        raise ValueError("a track has no header or no sample entry")
    return Track(
        kind=kind,
        times=(shown / scale + shift)[there],
        decoding=decoding[there],
        durations=durations[there],
        offsets=offsets[there],
        sizes=sizes[there],
        keys=keys[there],
        ends=float((shown + durations)[there].max()) / scale + shift if there.any() else shift,
        shift=shift,
        timescale=scale,
        sample_rate=struct.unpack_from(">H", data, entry.start + 40)[0] if kind == "audio" else 0,
        header=bytes(data[header.start : header.stop]),
        entry=bytes(data[entry.start : entry.stop]),
    )


def _offsets(data: memoryview, trak: range, sizes: np.ndarray) -> np.ndarray:
    """Where each sample lies: samples follow one another within a chunk."""
    place, wide = _find(data, trak, b"stco"), _find(data, trak, b"co64")
    body, form, width = (place, ">u4", 4) if place is not None else (wide, ">u8", 8)
    grouping = _find(data, trak, b"stsc")
    if body is None or grouping is None or not len(sizes):
        return np.zeros(len(sizes), np.int64)
    (count,) = struct.unpack_from(">I", data, body.start + 4)
    if count * width > len(body):
        raise ValueError(f"{count} chunks")
    chunks = np.frombuffer(data, form, count, body.start + 8).astype(np.int64)
    (runs,) = struct.unpack_from(">I", data, grouping.start + 4)
    table = np.frombuffer(data, ">u4", 3 * runs, grouping.start + 8).reshape(-1, 3).astype(np.int64)
    lengths = np.diff(np.append(table[:, 0], count + 1))
    if (lengths < 0).any() or lengths.sum() > count or table[:, 1].max(initial=0) > MAX_SAMPLES:
        raise ValueError("a table of chunks that contradicts itself")
    per_chunk = np.repeat(table[:, 1], lengths)
    if per_chunk.sum() < len(sizes):
        raise ValueError("fewer places than samples")
    firsts = np.concatenate([[0], np.cumsum(per_chunk)])
    chunk = np.searchsorted(firsts, np.arange(len(sizes)), side="right") - 1
    before = np.concatenate([[0], np.cumsum(sizes)])
    return chunks[chunk] + before[:-1] - before[firsts[chunk]]


def _shift(data: memoryview, body: range | None, movie_scale: int, scale: int) -> float:
    """Seconds to add to media time: the empty edits in front, less where the first real edit begins."""
    if body is None:
        return 0.0
    layout, width = (">Qq", 20) if data[body.start] else (">Ii", 12)
    (count,) = struct.unpack_from(">I", data, body.start + 4)
    empty = 0
    for i in range(min(count, 16)):
        duration, media_time = struct.unpack_from(layout, data, body.start + 8 + i * width)
        if media_time >= 0:
            return empty / movie_scale - media_time / scale
        empty += duration
    return empty / movie_scale


def _sizes(data: memoryview, body: range | None) -> np.ndarray:
    if body is None:
        return np.zeros(0, np.int64)
    fixed, count = struct.unpack_from(">II", data, body.start + 4)
    if count > MAX_SAMPLES:
        raise ValueError(f"{count} samples")
    if fixed:
        return np.full(count, fixed, np.int64)
    return np.frombuffer(data, ">u4", count, body.start + 12).astype(np.int64)


def _runs(data: memoryview, body: range | None, total: int) -> np.ndarray:
    """Expand a run-length table (durations, composition offsets) to one value a sample."""
    if body is None:
        return np.zeros(total, np.int64)
    (count,) = struct.unpack_from(">I", data, body.start + 4)
    pairs = np.frombuffer(data, ">i4", 2 * count, body.start + 8).reshape(-1, 2).astype(np.int64)
    if (pairs[:, 0] < 0).any() or pairs[:, 0].sum() > MAX_SAMPLES:
        raise ValueError("a run-length table of impossible length")
    values = np.repeat(pairs[:, 1], pairs[:, 0])[:total]
    return np.pad(values, (0, total - len(values)))


def _keys(data: memoryview, body: range | None, total: int) -> np.ndarray:
    if body is None:
        return np.ones(total, bool)
    (count,) = struct.unpack_from(">I", data, body.start + 4)
    numbers = np.frombuffer(data, ">u4", count, body.start + 8).astype(np.int64) - 1
    keys = np.zeros(total, bool)
    keys[numbers[(numbers >= 0) & (numbers < total)]] = True
    return keys
