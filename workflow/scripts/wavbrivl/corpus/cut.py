"""Cut clips out of a video without re-encoding, keeping the source's own clock.

A stream copy can only begin at a key frame, so each clip is cut with a margin and with `-copyts`:
the file's timestamps stay those of the source video, and a manifest's times are applied when
decoding (`wavbrivl.corpus.timeline` reads them exactly). Nothing has to be remembered beside it.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ffmpeg
import imageio_ffmpeg

from wavbrivl.corpus.causes import SourceError, status_of_text
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.ledger import Status

_POINTER = re.compile(r" @ 0x[0-9a-f]+")  # where ffmpeg's objects lie in memory: different in every run


@dataclass(frozen=True)
class Stream:
    """Something ffmpeg can read: a local path, or an address with the headers it needs."""

    location: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def remote(self) -> bool:
        return self.location.startswith(("http://", "https://"))


def cut_clips(
    streams: Sequence[Stream], clips: Sequence[Clip], folder: Path, margin: float, timeout: float
) -> dict[str, Path]:
    """Cut every clip of one video in one ffmpeg run.

    Args:
        streams: one file with picture and sound, or the picture's and then the sound's.
        clips: clips of this video; times on the video's own clock.
        folder: receives `<clip_id>.mp4`.
        margin: seconds kept before and after each clip.
        timeout: seconds after which the run is killed.

    Returns:
        The path of each clip's file.

    Raises:
        SourceError: with ffmpeg's own last words.
    """
    paths = {clip.clip_id: folder / f"{clip.clip_id}.mp4" for clip in clips}
    outputs = [_output(streams, clip, paths[clip.clip_id], margin, timeout) for clip in clips]
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-nostdin",
        "-hide_banner",
        "-loglevel",
        "error",
        "-copyts",
        "-y",
    ]
    command += ffmpeg.get_args(ffmpeg.merge_outputs(*outputs))
    _run(command, timeout)
    return paths


def remux(source: Path, target: Path, timeout: float) -> Path:
    """Copy a file's streams into a plain MP4 with full tables (from MKV, WebM, fragmented MP4)."""
    flow = ffmpeg.input(str(source.resolve()), protocol_whitelist="file")
    flow = ffmpeg.output(flow["v:0?"], flow["a:0?"], str(target.resolve()), **_COPY)
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-nostdin",
        "-hide_banner",
        "-loglevel",
        "error",
        "-copyts",
        "-y",
    ]
    _run(command + ffmpeg.get_args(flow), timeout)
    return target


# fflags +bitexact keeps the muxer's version and the time of day out of the file.
_COPY = {
    "c": "copy", "f": "mp4", "fflags": "+bitexact", "map_metadata": -1, "map_chapters": -1,
    "avoid_negative_ts": "disabled",
}  # fmt: skip


def _output(
    streams: Sequence[Stream], clip: Clip, path: Path, margin: float, timeout: float
) -> "ffmpeg.nodes.OutputStream":
    begin = max(0.0, clip.start_ms / 1000 - margin)
    end = clip.end_ms / 1000 + margin
    inputs = [_input(stream, begin, timeout) for stream in streams]
    picture, sound = inputs[0], inputs[-1]
    return ffmpeg.output(picture["v:0?"], sound["a:0?"], str(path.resolve()), to=f"{end:.3f}", **_COPY)


def _input(stream: Stream, begin: float, timeout: float) -> "ffmpeg.nodes.FilterableStream":
    options: dict[str, object] = {"ss": f"{begin:.3f}", "seek_timestamp": 1}
    if not stream.remote:
        return ffmpeg.input(str(Path(stream.location).resolve()), protocol_whitelist="file", **options)
    options["rw_timeout"] = int(timeout * 1e6)
    options["protocol_whitelist"] = "http,https,tcp,tls,crypto"
    if stream.headers:
        options["headers"] = "".join(f"{name}: {value}\r\n" for name, value in stream.headers.items())
    return ffmpeg.input(stream.location, **options)


def _run(command: list[str], timeout: float) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise SourceError(Status.TIMEOUT, f"ffmpeg took longer than {timeout:g} s") from None
    if done.returncode != 0:
        said = _POINTER.sub("", done.stderr.decode(errors="replace"))[-2000:]
        raise SourceError(_status(said, command), said or f"ffmpeg ended with {done.returncode}")


def _status(said: str, command: list[str]) -> Status:
    """HTTP trouble is what it says it is; on a local file only a full disk is not the file's fault."""
    status = status_of_text(said)
    remote = any(part.startswith(("http://", "https://")) for part in command)
    if (remote and status != Status.UNSUPPORTED) or status == Status.DISK_FULL:
        return status
    return Status.UNDECODABLE
