"""A few samples of a track as an MP4 file of their own, in memory, for a decoder.

A decoder that is given the whole file reads all of it, and decodes every frame between the key
frame and the wanted one. Here it gets what the wanted frame needs: the samples from its key frame
on, without the frames that no other frame refers to. The picture that comes out is the same.
"""

import struct

import numpy as np

from wavbrivl.corpus.timeline import Track

_PICTURES = range(1, 6)  # H.264 NAL unit types that carry a picture
_REORDERING = 16  # the most frames that H.264 and HEVC hold back
_IDR = 5  # the one that resets the decoder


def excerpt(data: bytes, track: Track, samples: np.ndarray) -> bytes:
    """Write the given samples (indices in decoding order) as an MP4 file with one track.

    Times are those of the track's own clock, counted from the first sample's decoding time: no
    edit list, no reference to another file, no metadata. The tables come first, so that it can be piped.
    """
    brand = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isom")
    place = len(brand) + len(_moov(track, samples, 0)) + 8
    return brand + _moov(track, samples, place) + _box(b"mdat", *_content(data, track, samples))


def _content(data: bytes, track: Track, samples: np.ndarray) -> list[memoryview]:
    """The samples' bytes, those that lie one behind the other in one piece."""
    view = memoryview(data)
    begins, ends = track.offsets[samples], track.offsets[samples] + track.sizes[samples]
    first = np.flatnonzero(np.append(True, begins[1:] != ends[:-1]))
    last = np.append(first[1:], len(samples)) - 1
    return [view[begin:end] for begin, end in zip(begins[first], ends[last], strict=True)]


def needed_for(data: bytes, track: Track, sample: int) -> np.ndarray:
    """The samples that decoding of one frame takes, in decoding order, the frame's own included.

    They begin at the last key frame that resets the decoder and that nothing shown earlier follows.
    Where a file has none (it was cut within open groups of pictures), they begin at the last key
    frame shown no later than the wanted one, less the frames before it in time, and go on for the
    depth of the decoder's reordering: it swallows frames when it is drained before it has settled.
    """
    keys = np.flatnonzero(track.keys[: sample + 1])
    keys = keys[track.times[keys] <= track.times[sample]]
    length = _nal_length(track.entry)
    first = next((int(key) for key in keys[::-1] if _closed(data, track, int(key), length)), None)
    if first is None:
        first = int(keys[-1]) if len(keys) else 0
        following = track.times[first : sample + 1 + _REORDERING]
        return first + np.flatnonzero(following >= track.times[first])
    every = first + np.flatnonzero(track.times[first : sample + 1] >= track.times[first])
    if not length:
        return every
    kept = [i for i in every[:-1] if _picture(data, track, int(i), length) & 0x60]
    return np.array([*kept, sample])


def _closed(data: bytes, track: Track, key: int, length: int) -> bool:
    if length and _picture(data, track, key, length) & 31 != _IDR:
        return False
    return bool(track.times[key:].min() >= track.times[key])


def decodable(track: Track) -> np.ndarray:
    """Samples from the first key frame on, which can be decoded, in the order in which they are shown."""
    keys = np.flatnonzero(track.keys)
    first = int(keys[0]) if len(keys) else 0
    order = np.argsort(track.times, kind="stable")
    return order[(order >= first) & (track.times[order] >= track.times[first])]


def _nal_length(entry: bytes) -> int:
    """Bytes of the length before each NAL unit of an H.264 track; 0 for another codec."""
    place = entry.find(b"avcC")
    if entry[12:16] not in (b"avc1", b"avc3") or place < 0 or len(entry) < place + 9:
        return 0
    return (entry[place + 8] & 3) + 1


def _picture(data: bytes, track: Track, sample: int, length: int) -> int:
    """First byte of a sample's first H.264 slice: its type, and in 0x60 whether others refer to it."""
    offset = int(track.offsets[sample])
    end = offset + int(track.sizes[sample])
    while offset + length < end:
        unit = data[offset + length]
        if unit & 31 in _PICTURES:
            return unit
        offset += length + int.from_bytes(data[offset : offset + length], "big")
    return 0x60  # no slice was found: the sample stays


def _moov(track: Track, samples: np.ndarray, place: int) -> bytes:
    decoding = track.decoding[samples] - track.decoding[samples[0]]
    lasting = np.diff(decoding)
    lasting = np.append(lasting, lasting[-1:] if len(lasting) else 1)
    shown = np.rint((track.times[samples] - track.shift) * track.timescale).astype(np.int64)
    late = shown - track.decoding[samples]
    sizes = track.sizes[samples]
    same = int(sizes[0]) if (sizes == sizes[0]).all() else 0
    total = int(decoding[-1] + lasting[-1])
    clock = struct.pack(">IIII", 0, 0, track.timescale, total)
    movie = clock + struct.pack(">IH10x9I24xI", 0x10000, 0x100, *_IDENTITY, 2)
    kind, minor = (b"vide", _box(b"vmhd", bytes([0, 0, 0, 1]), bytes(8)))
    if track.kind == "audio":
        kind, minor = b"soun", _box(b"smhd", bytes(8))
    handler = struct.pack(">II4s12xx", 0, 0, kind)
    own = _box(b"dref", struct.pack(">II", 0, 1), _box(b"url ", bytes([0, 0, 0, 1])))
    table = _box(
        b"stbl",
        _box(b"stsd", track.entry),
        _table(b"stts", _runs(lasting)),
        _table(b"ctts", _runs(late), version=1) if late.any() else b"",
        _table(b"stss", np.array([1])),  # one key frame: decord must go through it all, and never seek
        _table(b"stsc", np.array([[1, len(samples), 1]])),
        # PCM has a sample for each few bytes: with sizes and times told once, decoders take many at a time.
        _box(
            b"stsz",
            struct.pack(">III", 0, same, len(samples)),
            b"" if same else sizes.astype(">u4").tobytes(),
        ),
        _table(b"stco", np.array([place])),
    )
    media = _box(
        b"mdia",
        _box(b"mdhd", bytes(4), clock, struct.pack(">HH", 0x55C4, 0)),
        _box(b"hdlr", handler),
        _box(b"minf", minor, _box(b"dinf", own), table),
    )
    return _box(b"moov", _box(b"mvhd", bytes(4), movie), _box(b"trak", _box(b"tkhd", track.header), media))


_IDENTITY = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


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
