"""What the decoder does not know (AV1, PCM in MP4, 7.1 AAC): the carried ffmpeg decodes it, from memory."""

import io
import subprocess

import imageio_ffmpeg
import numpy as np
import soundfile
from PIL import Image

from wavbrivl.corpus.cut import POINTER
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.timeline import MediaError

_SECONDS = 30  # the process that asks has its own limit; this one ends what it would leave behind


def picture(file: bytes, number: int) -> np.ndarray:
    """Frame `number`, in the order shown, of an MP4 file whose tables come first: uint8 [h, w, 3], upright.

    Raises:
        MediaError: ffmpeg cannot decode it either.
    """
    chosen = ["-vf", rf"select=eq(n\,{number})", "-frames:v", "1", "-fps_mode", "passthrough"]
    data = _run(file, [*chosen, "-c:v", "ppm", "-f", "image2pipe"])
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def sound(file: bytes) -> tuple[np.ndarray, int]:
    """All of the sound: float32 [channels, samples] and its rate in Hz.

    Raises:
        MediaError: ffmpeg cannot decode it either.
    """
    data = _run(file, ["-c:a", "pcm_f32le", "-f", "wav"])
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    return samples.T, rate


def _run(file: bytes, output: list[str]) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error"]
    command += ["-threads", "1", "-protocol_whitelist", "pipe", "-f", "mov", "-i", "pipe:0"]
    command += [*output, "pipe:1"]
    try:
        done = subprocess.run(command, input=file, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise MediaError(Status.UNDECODABLE, f"ffmpeg took longer than {_SECONDS} s") from None
    if done.returncode or not done.stdout:
        said = POINTER.sub("", done.stderr.decode(errors="replace")).strip()
        raise MediaError(Status.UNDECODABLE, said.partition("\n")[0] or "ffmpeg decoded nothing")
    return done.stdout
