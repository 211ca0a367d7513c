"""Samples of tracks written as an MP4 file, as they are: for a decoder, or as a cut."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.timeline import MediaError, Track

_FINE = 100_000  # the finest clock, in ticks a second, whose edit lists still have room for half a day
_COARSE = 1000
_IDENTITY = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


class Part(NamedTuple):
    """Samples of a track, as indices in decoding order."""

    track: Track
    samples: np.ndarray


def write_movie(data: bytes, parts: Sequence[Part], placed: bool = False) -> bytes:
    """Write the samples of each part as a track of its own. No metadata, no reference to another file.

    The tables come first, so that it can be piped.

    Args:
        data: the file that the samples lie in (any buffer).
        placed: keep each sample's time on the source's clock, through edit lists. Otherwise times are
            counted from the first sample's decoding time, and every track has one key frame, the first.

    Raises:
        MediaError: samples that overlap, so that they would be more than the whole file.
    """
    lengths = [int(part.track.sizes[part.samples].sum()) for part in parts]
    if sum(lengths) > len(data):
        raise MediaError(Status.UNDECODABLE, "malformed MP4 tables: samples that overlap")
    brand = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isom")
    header = _moov(parts, [0] * len(parts), placed)
    places = len(brand) + len(header) + 8 + np.cumsum([0, *lengths[:-1]])
    content = [piece for part in parts for piece in _content(data, part)]
    return brand + _moov(parts, places.tolist(), placed) + _box(b"mdat", *content)


def _content(data: bytes, part: Part) -> list[memoryview]:
    """The samples' bytes, those that lie one behind the other in one piece."""
    view = memoryview(data)
    begins = part.track.offsets[part.samples]
    ends = begins + part.track.sizes[part.samples]
    first = np.flatnonzero(np.append(True, begins[1:] != ends[:-1]))
    last = np.append(first[1:], len(begins)) - 1
    return [view[begin:end] for begin, end in zip(begins[first], ends[last], strict=True)]


def _moov(parts: Sequence[Part], places: Sequence[int], placed: bool) -> bytes:
    scale = parts[0].track.timescale if parts[0].track.timescale <= _FINE else _COARSE
    traks = [_trak(part, n, places[n - 1], scale, placed) for n, part in enumerate(parts, start=1)]
    rest = struct.pack(">IH10x9I24xI", 0x10000, 0x100, *_IDENTITY, len(parts) + 1)
    longest = max(_lasts(part, scale, placed) for part in parts)
    return _box(b"moov", _box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, scale, longest), rest), *traks)


def _trak(part: Part, number: int, place: int, movie_scale: int, placed: bool) -> bytes:
    track, samples = part
    decoding = track.decoding[samples]
    lasting = np.diff(decoding, append=decoding[-1] + track.durations[samples[-1]])
    clock = struct.pack(">IIIII", 0, 0, 0, track.timescale, int(lasting.sum()))
    kind, minor = b"vide", _box(b"vmhd", bytes([0, 0, 0, 1]), bytes(8))
    if track.kind == "audio":
        kind, minor = b"soun", _box(b"smhd", bytes(8))
    own = _box(b"dref", struct.pack(">II", 0, 1), _box(b"url ", bytes([0, 0, 0, 1])))
    media = _box(
        b"mdia",
        _box(b"mdhd", clock, struct.pack(">HH", 0x55C4, 0)),
        _box(b"hdlr", struct.pack(">II4s12xx", 0, 0, kind)),
        _box(b"minf", minor, _box(b"dinf", own), _stbl(part, lasting, place, placed)),
    )
    edits = _edts(part, movie_scale) if placed else b""
    return _box(b"trak", _tkhd(track.header, number, _lasts(part, movie_scale, placed)), edits, media)


def _stbl(part: Part, lasting: np.ndarray, place: int, placed: bool) -> bytes:
    """The sample tables: all samples in one chunk."""
    track, samples = part
    shown = np.rint((track.times[samples] - track.shift) * track.timescale).astype(np.int64)
    late = shown - track.decoding[samples]
    sizes = track.sizes[samples]
    # PCM has a sample for each few bytes: with sizes and times told once, decoders take many at a time.
    same = int(sizes[0]) if (sizes == sizes[0]).all() else 0
    # For a decoder, one key frame: decord must go through it all, and never seek.
    keys = np.flatnonzero(track.keys[samples]) + 1 if placed else np.array([1])
    return _box(
        b"stbl",
        _box(b"stsd", track.entry),
        _table(b"stts", _runs(lasting)),
        _table(b"ctts", _runs(late), version=1) if late.any() else b"",
        _table(b"stss", keys) if len(keys) < len(samples) or not placed else b"",
        _table(b"stsc", np.array([[1, len(samples), 1]])),
        _box(
            b"stsz",
            struct.pack(">III", 0, same, len(samples)),
            b"" if same else sizes.astype(">u4").tobytes(),
        ),
        _table(b"stco", np.array([place])),
    )


def _begins(part: Part) -> float:
    """Seconds at which the first sample's decoding time lies on the source's clock."""
    return float(part.track.decoding[part.samples[0]]) / part.track.timescale + part.track.shift


def _lasts(part: Part, scale: int, placed: bool) -> int:
    """Ticks from zero on the file's clock to the end of the last sample."""
    track, samples = part
    ends = float((track.times[samples] + track.durations[samples] / track.timescale).max())
    return max(1, round((ends if placed else ends - _begins(part)) * scale))


def _edts(part: Part, scale: int) -> bytes:
    """An edit list that puts the first sample shown where it lies on the source's clock, to the track's tick.

    It begins with that sample, and not with what is decoded first: players close a gap before it.
    """
    track, samples = part
    shown = float(track.times[samples].min())
    empty = max(0, int(np.ceil(shown * scale)))
    media_time = max(0, round((empty / scale - _begins(part)) * track.timescale))
    rows = [[empty, -1]] if empty else []
    rows.append([max(1, _lasts(part, scale, True) - empty), media_time])
    body = b"".join(struct.pack(">IiI", duration, time, 0x10000) for duration, time in rows)
    return _box(b"edts", _box(b"elst", struct.pack(">II", 0, len(rows)), body))


def _tkhd(header: bytes, number: int, duration: int) -> bytes:
    """The source's track header, which holds the rotation, with this file's number and duration."""
    wide = header[0] == 1
    head = struct.pack(">II", 3, 0) + bytes(4) + struct.pack(">III", number, 0, duration)
    return _box(b"tkhd", head, header[36 if wide else 24 :])


def _table(kind: bytes, rows: np.ndarray, version: int = 0) -> bytes:
    """A full box that holds a count of rows and 32-bit numbers."""
    return _box(kind, struct.pack(">II", version << 24, len(rows)), rows.astype(">i4").tobytes())


def _runs(values: np.ndarray) -> np.ndarray:
    """[runs, 2]: how often each value follows itself, and the value."""
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    return np.stack([np.diff(first, append=len(values)), values[first]], 1)


def _box(kind: bytes, *contents: bytes | memoryview) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I4s", len(body) + 8, kind) + body
