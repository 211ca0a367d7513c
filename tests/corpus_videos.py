"""Small videos whose frames and sound say when they are: frame numbers as bands, and one long noise."""

import itertools
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import soundfile
from scipy.signal import correlate, resample_poly

from wavbrivl.corpus.clips import Clip, clip_id

BITS = 12
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


@dataclass(frozen=True)
class CodedVideo:
    """A video file, its frame rate and its sound at 16 kHz."""

    path: Path
    fps: float
    sound16: np.ndarray

    def picture_seconds(self, image: np.ndarray) -> float:
        """When a frame (or its centre square) was shown in the source."""
        return read_number(image) / self.fps

    def sound_seconds(self, sound: np.ndarray) -> float:
        """Where in the source a sound of 16 kHz begins, by cross correlation."""
        return int(np.argmax(correlate(self.sound16, sound, "valid"))) / 16000


def ffmpeg(*arguments: object) -> bytes:
    """Run the carried ffmpeg; what it writes to standard output."""
    command = [FFMPEG, "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, timeout=60, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def make_video(
    path: Path, seconds: float = 4, fps: float = 25, rate: int = 44100, channels: int = 2, gop: int = 50,
    size: tuple[int, int] = (320, 240), extra: Sequence[str] = (),
) -> CodedVideo:  # fmt: skip
    """Write H.264/AAC with B-frames and few key frames."""
    noise = _noise(int(seconds * rate), rate)
    wav = path.with_suffix(".wav")
    soundfile.write(wav, np.stack([noise] * channels, 1), rate, subtype="PCM_16", format="WAV")
    width, height = size
    picture = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", str(gop)]
    coding += ["-keyint_min", str(gop), "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    coding += ["-b:a", "128k", "-fflags", "+bitexact", "-flags:v", "+bitexact", *extra]
    frames = b"".join(_frame(n, width, height) for n in range(int(seconds * fps)))
    command = [FFMPEG, "-v", "error", "-y", *picture, "-i", str(wav), *coding, str(path)]
    subprocess.run(command, input=frames, check=True, timeout=60)
    return CodedVideo(path, fps, resample_poly(noise, 16000, rate).astype(np.float32))


def clip_of(video_id: str, start_ms: int, end_ms: int, address: str = "", split: str = "train") -> Clip:
    """A manifest row."""
    return Clip(clip_id(video_id, start_ms, end_ms), video_id, start_ms, end_ms, "label", split, address)


def read_number(image: np.ndarray) -> int:
    """The frame number that the bands spell."""
    grey = image.mean(axis=2) if image.ndim == 3 else image
    edges = np.linspace(0, len(grey), BITS + 1).round().astype(int)
    margin = len(grey) // BITS // 3
    levels = [grey[a + margin : b - margin].mean() for a, b in itertools.pairwise(edges)]
    return sum(1 << bit for bit, level in enumerate(levels) if level > 110)


def _frame(number: int, width: int, height: int) -> bytes:
    edges = np.linspace(0, height, BITS + 1).round().astype(int)
    image = np.zeros((height, width), np.uint8)
    for bit in range(BITS):
        image[edges[bit] : edges[bit + 1]] = 235 if number >> bit & 1 else 16
    return image.tobytes()


def _noise(n: int, rate: int) -> np.ndarray:
    spectrum = np.fft.rfft(np.random.default_rng(5).standard_normal(n))
    frequencies = np.fft.rfftfreq(n, 1 / rate)
    spectrum[(frequencies < 100) | (frequencies > 6000)] = 0
    noise = np.fft.irfft(spectrum, n)
    return noise * 0.2 / noise.std()
