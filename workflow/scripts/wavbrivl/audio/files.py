"""Sound files of any format, rate, depth and number of channels, as mono at the rate that is asked for.

soundfile reads what libsndfile knows (wav, flac, ogg, mp3, ...), ffmpeg everything else, video too.
Both are read block by block, mixed and resampled as the corpus is: hours in one file need no more memory
than a second, and `read_audio` gives the same samples as `stream_audio`. A file of several channels is read
twice: whether they cancel each other shows at its end only.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import soxr

from wavbrivl.audio.ffmpeg_stream import ffmpeg_sound
from wavbrivl.downmix import mix, mixing_weights
from wavbrivl.errors import UserError

logger = logging.getLogger("wavbrivl")
RATE = 16_000
RATES = (1_000, 1_000_000)
"""Sampling rates in Hz that a sound can have; what a damaged header says beyond them is refused."""

_BLOCK_SAMPLES = 1 << 18


def read_audio(path: Path | str, rate: int = RATE) -> np.ndarray:
    """Read one file: channels mixed (`wavbrivl.downmix`), resampled to `rate`, 16 kHz by default.

    Returns:
        float32 [samples], about in [-1, 1]; never empty, never NaN.

    Raises:
        UserError: one sentence for a file that is absent, unreadable or holds no sound.
    """
    return np.concatenate(list(stream_audio(path, rate)))


def stream_audio(path: Path | str, rate: int = RATE) -> Iterator[np.ndarray]:
    """The same sound block by block.

    Yields:
        float32 [samples] at `rate` Hz, mono, together never empty, never NaN.

    Raises:
        UserError: as `read_audio`; for a damaged file perhaps only after some blocks.
    """
    path = Path(path)
    weights = _mixing_weights(path)
    with _open(path) as (own, blocks):
        if not RATES[0] <= own <= RATES[1]:
            raise UserError(f"{path}: a sampling rate of {own} Hz is not that of a sound")
        made = 0
        for block in _resampled(_mono(path, own, blocks, weights), own, rate):
            made += len(block)
            yield block
        if not made:
            raise UserError(f"{path}: the sound file holds less than one sample at {rate} Hz")


def to_rate(mono: np.ndarray, rate: int, wanted: int = RATE) -> np.ndarray:
    """Resample float32 [samples] at `rate` Hz to `wanted`."""
    return mono if rate == wanted else soxr.resample(mono, rate, wanted, quality="HQ")


def all_to_rate(waveforms: Sequence[np.ndarray], rate: int, wanted: int) -> list[np.ndarray]:
    """Several sounds as float32 at the wanted rate."""
    return [to_rate(np.asarray(waveform, dtype=np.float32), rate, wanted) for waveform in waveforms]


@contextmanager
def _open(path: Path, quiet: bool = False) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Rate and blocks [samples, channels] of a file; `quiet` gives no warnings."""
    if path.is_dir():
        raise UserError(f"{path}: a folder, not a sound file")
    if not path.is_file():
        raise UserError(f"{path}: there is no such sound file")
    if not path.stat().st_size:
        raise UserError(f"{path}: not a readable sound file (it is empty)")
    file = _soundfile(path)
    if file is None:
        with ffmpeg_sound(path) as (rate, blocks):
            yield rate, blocks
        return
    with file:
        yield file.samplerate, _blocks(path, file, quiet)


def _soundfile(path: Path) -> soundfile.SoundFile | None:
    """The file as libsndfile opens it; None where ffmpeg has to."""
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, TypeError, RuntimeError, OSError):
        return None
    if file.format == "OGG" and file.channels > 2:  # its channels would come in Vorbis' own order
        file.close()
        return None
    return file


def _blocks(path: Path, file: soundfile.SoundFile, quiet: bool) -> Iterator[np.ndarray]:
    size = max(1, _BLOCK_SAMPLES // file.channels)
    read = 0
    try:
        while len(block := file.read(size, dtype="float32", always_2d=True)):
            read += len(block)
            yield block
    except soundfile.SoundFileError as error:
        reason = str(error).splitlines()[0].split(": ")[-1].rstrip(".")
        raise UserError(f"{path}: damaged after {read / file.samplerate:.2f} s ({reason})") from None
    if read < file.frames and not quiet:
        logger.warning("%s: the header tells of %d samples, %d are there", path, file.frames, read)


def _mixing_weights(path: Path) -> np.ndarray:
    with _open(path, quiet=True) as (_, blocks):
        return mixing_weights(block.T for block in blocks)


def _mono(path: Path, rate: int, blocks: Iterator[np.ndarray], weights: np.ndarray) -> Iterator[np.ndarray]:
    read = 0
    for block in blocks:
        mono = block[:, 0] if len(weights) == 1 else mix(block.T, weights)
        odd = np.flatnonzero(~np.isfinite(mono))
        if len(odd):
            place = (read + odd[0]) / rate
            raise UserError(
                f"{path}: the sound file holds samples that are not numbers, first at {place:.3f} s"
            )
        read += len(mono)
        yield mono
    if not read:
        raise UserError(f"{path}: the sound file holds no samples")


def _resampled(blocks: Iterator[np.ndarray], rate: int, wanted: int) -> Iterator[np.ndarray]:
    if rate == wanted:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ")
    for block in blocks:
        if len(made := stream.resample_chunk(block)):
            yield made
    yield stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
