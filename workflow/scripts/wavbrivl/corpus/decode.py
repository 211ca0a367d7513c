"""One adapter over the decoder (decord), so that another can stand in for it.

Habits of decord 0.6 that are worked around, all measured. It resamples sound packet by packet,
flushing its filter each time, which distorts it and lengthens 20 s by 16 ms: so it decodes at the
file's own rate here, and soxr resamples. Its timestamps are relative to the first frame: so the
times come from the file's own tables. It loses the first packet of some AAC streams, shifting the
rest by 23 ms: its padding puts them back where they belong. Its channels overwrite one another where
it is asked for more than one, and its mix of them is louder than they are (`Clip._mixed`).
"""

import io
import math

import decord
import numpy as np
import soxr

from wavbrivl.corpus import foreign
from wavbrivl.corpus.aac import stated_channels
from wavbrivl.corpus.excerpt import decodable, excerpt, needed_for
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.timeline import MediaError, Track, read_timeline
from wavbrivl.downmix import one_channel

RATE = 16_000
_LEAD_SECONDS = 0.5  # sound decoded before a cut, so that codecs with a memory have settled
_GUARD_SECONDS = 0.1  # sound on both sides of a cut, so that the resampler's edges fall outside
_PACKETS_TO_COUNT = 2  # tell how many channels there are
_QUIET = 0.01  # peak of a mix that may be two channels cancelling each other
_RATES = (
    7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 176400, 192000
)  # fmt: skip


class Clip:
    """A decoded view of one MP4 file held in memory. Times are seconds on the file's own clock.

    Args:
        data: the whole file.

    Raises:
        MediaError: undecodable, no picture or no sound.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        timeline = read_timeline(data)
        self.video = _present(timeline.video, Status.NO_VIDEO, "the file has no picture track")
        self.audio = _present(timeline.audio, Status.NO_AUDIO, "the file has no sound track")
        self._order = decodable(self.video)

    @property
    def duration(self) -> float:
        """Seconds from the first picture or sound to the end of the longer track."""
        start = min(float(self.video.times.min()), float(self.audio.times.min()))
        return max(self.video.ends, self.audio.ends) - start

    @property
    def frame_times(self) -> np.ndarray:
        """float64 [frames]: when each frame is shown, in the order in which `frame` counts them."""
        return self.video.times[self._order]

    def frame(self, index: int) -> np.ndarray:
        """uint8 [height, width, 3] RGB, turned upright as the file's rotation flag says."""
        sample = int(self._order[index])
        samples = needed_for(self._data, self.video, sample)
        file = excerpt(self._data, self.video, samples)
        shown_before = int((self.video.times[samples] < self.video.times[sample]).sum())
        try:
            return decord.VideoReader(io.BytesIO(file), num_threads=1)[shown_before].asnumpy()
        except (decord.DECORDError, RuntimeError, IndexError):
            return foreign.picture(file, shown_before)

    def sound(self, start: float, end: float) -> tuple[np.ndarray, int, float]:
        """The sound around [start, end): float32 [samples] mono, its rate in Hz, time of its first sample."""
        track = self.audio
        inside = np.flatnonzero((track.times > start - _LEAD_SECONDS) & (track.times < end + _GUARD_SECONDS))
        if not len(inside):
            raise MediaError(Status.TOO_SHORT, f"no sound between {start:.3f} and {end:.3f} s")
        try:
            samples, rate = self._mixed(inside)
        except (decord.DECORDError, RuntimeError):
            samples, rate = self._mixed_elsewhere(inside)
        if not len(samples):
            raise MediaError(Status.NO_AUDIO, "no packet of the sound track could be decoded")
        return samples, rate, float(track.times[inside[0]])

    def _mixed(self, packets: np.ndarray) -> tuple[np.ndarray, int]:
        """Sound packets decoded by decord, as one channel, and their rate.

        Two channels come out of its mixer as (left + right) / sqrt(2), which clips what both hold. Of more,
        and of two that cancel each other, it gives nothing usable: the other decoder has the channels.
        """
        track = self.audio
        channels = 2 if stated_channels(track.entry) == 2 else self._counted_channels(packets)
        if channels > 2:
            return self._mixed_elsewhere(packets)
        file = io.BytesIO(excerpt(self._data, track, packets))
        reader = decord.AudioReader(file, sample_rate=-1, mono=True)
        decoded = reader.shape[1]
        if not decoded:
            return np.zeros(0, np.float32), RATE
        span = float(track.times[packets[-1]] - track.times[packets[0]])
        rate = _native_rate(decoded, reader.duration(), span, track)
        if rate is None:
            return self._mixed_elsewhere(packets)
        reader.add_padding()  # silence for what comes before the first decoded packet
        samples = reader._array[0]  # reader[:] would copy one by one
        if channels == 1:
            return samples, rate
        if np.abs(samples).max() < _QUIET:
            return self._mixed_elsewhere(packets)
        return samples * np.float32(math.sqrt(0.5)), rate

    def _counted_channels(self, packets: np.ndarray) -> int:
        """How many channels the decoder makes of the sound; a file may state one where there are two."""
        few = excerpt(self._data, self.audio, packets[:_PACKETS_TO_COUNT])
        return decord.AudioReader(io.BytesIO(few), sample_rate=-1, mono=False).shape[0]

    def _mixed_elsewhere(self, packets: np.ndarray) -> tuple[np.ndarray, int]:
        channels, rate = foreign.sound(excerpt(self._data, self.audio, packets))
        return one_channel(channels), rate

    def sound_between(self, start: float, end: float, tolerance: float) -> np.ndarray:
        """Sound of exactly [start, end), resampled to 16 kHz mono.

        What is missing at either end is silence, up to `tolerance` seconds.

        Returns:
            float32 [round((end - start) * 16000)].

        Raises:
            MediaError: too short, where more than `tolerance` is missing.
        """
        samples, rate, first = self.sound(start, end)
        last = first + len(samples) / rate
        if first > start + tolerance or last < end - tolerance:
            said = f"sound lasts from {first:.3f} to {last:.3f} s, the clip from {start:.3f} to {end:.3f} s"
            raise MediaError(Status.TOO_SHORT, said)
        guard = round(rate * _GUARD_SECONDS)
        begin = round((start - first) * rate) - guard
        length = math.ceil((end - start) * rate) + 2 * guard
        wide = _window(samples, begin, length)
        if rate != RATE:
            wide = soxr.resample(wide, rate, RATE, quality="HQ")
        skip = round(guard * RATE / rate)
        return _window(wide, skip, round((end - start) * RATE))


def _present(track: Track | None, status: Status, cause: str) -> Track:
    if track is None:
        raise MediaError(status, cause)
    if not len(track.times):
        raise MediaError(Status.TOO_SHORT, f"the {track.kind} track is empty")
    return track


def _window(samples: np.ndarray, begin: int, length: int) -> np.ndarray:
    """samples[begin : begin + length], with zeros for what lies outside."""
    inside = samples[max(begin, 0) : max(begin + length, 0)]
    before = min(max(-begin, 0), length)
    return np.pad(inside, (before, length - before - len(inside)))


def _native_rate(n: int, whole_seconds: float, span: float, track: Track) -> int | None:
    """The rate of the decoded sound, or None where none fits. decord tells n divided by it, rounded down.

    The sample entry is wrong for some files (HE-AAC has half the rate there, 96 kHz does not fit),
    so the first candidate that agrees with decord's whole seconds is taken.
    """
    stated = track.sample_rate
    candidates = [stated, 2 * stated, track.timescale, *_RATES]
    fitting = [rate for rate in candidates if rate >= _RATES[0] and n // rate == int(whole_seconds)]
    close = [rate for rate in fitting if abs(n / rate - span) < 0.02 * span + 0.1]
    return next(iter(close or fitting), None)
