"""Sound out of whatever ffmpeg reads (mp3, m4a, any video), as a stream: memory does not grow with it.

decord would decode the whole file at once, and resamples packet by packet; ffmpeg writes the samples
into a pipe at the file's own rate. It is told which containers and protocols it may open, so that a
playlist in disguise reaches neither the network nor other files.
"""

import os
import select
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from wavbrivl.errors import UserError

CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,m4a,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,"
    "ogg,rm,tta,w64,wav,wv"
)
STALL_SECONDS = 60.0
"""ffmpeg is killed when it gives nothing for so long."""

_HEADER = struct.Struct(">4sIIIII")  # magic, offset of the samples, size, encoding, rate, channels
_FLOAT32 = 6
_BLOCK_BYTES = 1 << 20


@contextmanager
def ffmpeg_sound(path: Path) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """The first sound track of a file: its rate in Hz, and blocks float32 [samples, channels].

    Raises:
        UserError: one sentence, on entering the context or while reading: nothing that ffmpeg can decode,
            no sound track, or ffmpeg hangs.
    """
    with tempfile.TemporaryFile() as said:
        process = _start(path, said)
        try:
            pipe = _Pipe(process, path)
            header = pipe.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise _failure(path, process, said)
            magic, offset, _, encoding, rate, channels = _HEADER.unpack(header)
            if magic != b".snd" or encoding != _FLOAT32 or not channels:
                raise UserError(f"{path}: ffmpeg gave something that is no sound")
            pipe.read(offset - _HEADER.size)
            yield rate, _blocks(pipe, channels, lambda: _check_end(path, process, said))
        finally:
            process.kill()
            process.wait()


def _start(path: Path, said: IO[bytes]) -> subprocess.Popen:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error"]
    command += ["-protocol_whitelist", "file", "-format_whitelist", CONTAINERS]
    command += ["-i", f"file:{path.resolve()}", "-map", "0:a:0", "-f", "au", "-c:a", "pcm_f32be", "pipe:1"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, bufsize=0)


class _Pipe:
    """Reads whole pieces out of ffmpeg's output, and gives up on one that stalls."""

    def __init__(self, process: subprocess.Popen, path: Path) -> None:
        self._file = process.stdout.fileno()
        self._path = path

    def read(self, size: int) -> bytes:
        """`size` bytes, or fewer at the end."""
        parts = []
        while size:
            if not select.select([self._file], [], [], STALL_SECONDS)[0]:
                raise UserError(f"{self._path}: ffmpeg gave nothing for {STALL_SECONDS:g} s")
            part = os.read(self._file, min(size, _BLOCK_BYTES))
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _blocks(pipe: _Pipe, channels: int, check_end) -> Iterator[np.ndarray]:
    width = 4 * channels
    size = max(1, _BLOCK_BYTES // width) * width
    while data := pipe.read(size):
        whole = data[: len(data) - len(data) % width]
        yield np.frombuffer(whole, dtype=">f4").astype(np.float32).reshape(-1, channels)
    check_end()


def _check_end(path: Path, process: subprocess.Popen, said: IO[bytes]) -> None:
    if process.wait(STALL_SECONDS):
        raise _failure(path, process, said)


def _failure(path: Path, process: subprocess.Popen, said: IO[bytes]) -> UserError:
    process.wait()
    said.seek(0)
    text = said.read()[-4000:].decode(errors="replace")
    if "matches no streams" in text:
        return UserError(f"{path}: the file has no sound track")
    return UserError(f"{path}: not a readable sound file ({_reason(text)})")


def _reason(text: str) -> str:
    """ffmpeg's last words, without the file's name and addresses in memory."""
    lines = [line.rstrip(". ") for line in text.splitlines() if line.strip()]
    if any("Format not on whitelist" in line for line in lines):
        return "neither sound nor video"
    return lines[-1].split(": ")[-1] if lines else "ffmpeg gave no reason"
