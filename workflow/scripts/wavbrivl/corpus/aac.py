"""How many channels an MP4 states for AAC sound, where it states it plainly."""

_HEADS = {0x03: 3, 0x04: 13}  # descriptors that hold others -> bytes of their own before those
_SETUP = 0x05
_LOW_COMPLEXITY = 2
_ESCAPE = 15  # a rate that is no entry of the table


def stated_channels(entry: bytes) -> int:
    """The channel configuration of AAC-LC in a box of sample entries (ISO/IEC 14496-3, 1.6.2.1).

    Returns:
        0 where there is none, or where the sound may have more channels than it says (HE-AAC).
    """
    place = entry.find(b"esds")
    if place < 0:
        return 0
    place += 8  # its name, version and flags
    for tag, own in _HEADS.items():
        place = _content(entry, place, tag) + own
    setup = int.from_bytes(entry[(start := _content(entry, place, _SETUP)) : start + 2], "big")
    plain = setup >> 11 == _LOW_COMPLEXITY and setup >> 7 & 15 != _ESCAPE
    return setup >> 3 & 15 if plain else 0


def _content(data: bytes, place: int, tag: int) -> int:
    """Where the content of the descriptor at `place` begins, or the end of the data if it is another one."""
    if data[place : place + 1] != bytes([tag]):
        return len(data)
    length = place + 1
    while data[length : length + 1] >= b"\x80":  # seven bits of the length in each byte
        length += 1
    return length + 1
