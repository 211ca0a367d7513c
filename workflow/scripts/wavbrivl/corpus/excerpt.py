"""A few samples of a track as an MP4 file of their own, in memory, for a decoder.

A decoder that is given the whole file reads all of it, and decodes every frame between the key
frame and the wanted one. Here it gets what the wanted frame needs: the samples from its key frame
on, without the frames that no other frame refers to. The picture that comes out is the same.
"""

import numpy as np

from wavbrivl.corpus.movie import Part, write_movie
from wavbrivl.corpus.timeline import Track

_PICTURES = range(1, 6)  # H.264 NAL unit types that carry a picture
_REORDERING = 16  # the most frames that H.264 and HEVC hold back
_IDR = 5  # the one that resets the decoder


def excerpt(data: bytes, track: Track, samples: np.ndarray) -> bytes:
    """The given samples (indices in decoding order) as an MP4 file with one track and no edit list."""
    return write_movie(data, [Part(track, samples)])


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
