"""Cut clips out of a video without re-encoding, keeping the source's own clock.

A stream copy can only begin at a key frame, so each clip is cut with a margin and with `-copyts`:
the file's timestamps stay those of the source video, and a manifest's times are applied when
decoding (`wavbrivl.corpus.timeline` reads them exactly). Nothing has to be remembered beside it.
"""

import dataclasses
import mmap
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ffmpeg
import imageio_ffmpeg

from wavbrivl.corpus.causes import SourceError, status_of_text
from wavbrivl.corpus.clips import Clip
from wavbrivl.corpus.ledger import Status
from wavbrivl.corpus.plain_cut import cut_plain
from wavbrivl.corpus.timeline import MediaError, read_timeline

POINTER = re.compile(r" @ 0x[0-9a-f]+")  # where ffmpeg's objects lie in memory: different in every run

_PROMPT = 0.05  # seconds by which a file may begin after the place that was asked for
_LATEST_PICTURE = 60.0  # a picture that begins after that is not looked for in what precedes it

Form = dict[str, Any]
"""How an output is written: ffmpeg's options for it."""
Input = Output = Any
"""Nodes of ffmpeg-python's, which has no types."""


@dataclass(frozen=True)
class Stream:
    """Something ffmpeg can read: a local path, or an address with the headers it needs and the way to it."""

    location: str
    headers: dict[str, str] = field(default_factory=dict)
    proxy: str | None = None

    @property
    def remote(self) -> bool:
        return self.location.startswith(("http://", "https://"))


@dataclass(frozen=True)
class _Cut:
    """One clip's file and where it lies, in seconds of the source's clock; begin None: its start."""

    name: str
    path: Path
    begin: float | None
    end: float


def cut_clips(
    streams: Sequence[Stream], clips: Sequence[Clip], folder: Path, margin: float, timeout: float
) -> dict[str, Path]:
    """Cut every clip of one video, in one ffmpeg run where it is no plain MP4 of this machine.

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
    cuts = [
        _Cut(
            clip.clip_id,
            folder / f"{clip.clip_id}.mp4",
            max(0.0, clip.start_ms / 1000 - margin),
            clip.end_ms / 1000 + margin,
        )
        for clip in clips
    ]
    plain = [(cut.path, cut.begin, cut.end) for cut in cuts]
    if len(streams) == 1 and not streams[0].remote and cut_plain(Path(streams[0].location), plain):
        return {cut.name: cut.path for cut in cuts}
    _write(lambda form: _outputs(streams, cuts, form, timeout), timeout)
    # Where the picture begins after the sound, a seek to before it leads to its first frame, and the sound
    # until then is lost: such clips are copied from the start of the file.
    if late := [cut for cut in cuts if cut.begin < _LATEST_PICTURE and _begins_late(cut)]:
        whole = [dataclasses.replace(cut, begin=None) for cut in late]
        _write(lambda form: _outputs(streams, whole, form, timeout), timeout)
    return {cut.name: cut.path for cut in cuts}


def remux(source: Path, target: Path, timeout: float) -> Path:
    """Copy a file's streams into a plain MP4 with full tables (from MKV, WebM, fragmented MP4)."""
    flow = ffmpeg.input(str(source.resolve()), protocol_whitelist="file")
    _write(lambda form: ffmpeg.output(*_first_of(flow, flow), str(target.resolve()), **form), timeout)
    return target


_QUIETLY = ("-nostdin", "-hide_banner", "-loglevel", "error", "-copyts", "-y")
# fflags +bitexact keeps the muxer's version and the time of day out of the file.
_COPY: Form = {
    "c": "copy", "f": "mp4", "fflags": "+bitexact", "map_metadata": -1, "map_chapters": -1,
    "avoid_negative_ts": "disabled",
}  # fmt: skip


def _begins_late(cut: _Cut) -> bool:
    """Whether neither picture nor sound is there where the cut was to begin."""
    if not cut.path.is_file() or not cut.path.stat().st_size:
        return True
    with cut.path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            timeline = read_timeline(data)  # type: ignore[arg-type] - it takes any buffer
        except MediaError:
            return True
    tracks = [track for track in (timeline.video, timeline.audio) if track is not None and len(track.times)]
    return all(track.times.min() > cut.begin + _PROMPT for track in tracks)


def _outputs(streams: Sequence[Stream], cuts: Sequence[_Cut], form: Form, timeout: float) -> Output:
    outputs = []
    for cut in cuts:
        inputs = [_input(stream, cut.begin, timeout) for stream in streams]
        both = _first_of(inputs[0], inputs[-1])
        outputs.append(ffmpeg.output(*both, str(cut.path.resolve()), to=f"{cut.end:.3f}", **form))
    return ffmpeg.merge_outputs(*outputs)


def _first_of(picture: Input, sound: Input) -> list[Any]:
    """The first picture that is no cover of an album, and the first sound."""
    return [picture["V:0?"], sound["a:0?"]]


def _input(stream: Stream, begin: float | None, timeout: float) -> Input:
    options: Form = {} if begin is None else {"ss": f"{begin:.3f}", "seek_timestamp": 1}
    if not stream.remote:
        return ffmpeg.input(str(Path(stream.location).resolve()), protocol_whitelist="file", **options)
    options["rw_timeout"] = int(timeout * 1e6)
    options["protocol_whitelist"] = "http,https,httpproxy,tcp,tls,crypto"
    if stream.proxy:
        options["http_proxy"] = stream.proxy
    if stream.headers:
        options["headers"] = "".join(f"{name}: {value}\r\n" for name, value in stream.headers.items())
    return ffmpeg.input(stream.location, **options)


def _write(outputs: Callable[[Form], Output], timeout: float) -> None:
    """Copy the streams; sound that MP4 has no name for (a camera's mu-law) is packed without loss instead."""
    try:
        _run(outputs(_COPY), timeout)
    except SourceError as error:
        if "not currently supported in container" not in error.cause:
            raise
        _run(outputs(_COPY | {"c:a": "flac"}), timeout)


def _run(outputs: Output, timeout: float) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *_QUIETLY, *ffmpeg.get_args(outputs)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise SourceError(Status.TIMEOUT, f"ffmpeg took longer than {timeout:g} s") from None
    if done.returncode != 0:
        said = POINTER.sub("", done.stderr.decode(errors="replace"))[-2000:]
        raise SourceError(_status(said, command), said or f"ffmpeg ended with {done.returncode}")


def _status(said: str, command: list[str]) -> Status:
    """HTTP trouble is what it says it is; on a local file only a full disk is not the file's fault."""
    status = status_of_text(said)
    remote = any(part.startswith(("http://", "https://")) for part in command)
    if remote and status == Status.UNSUPPORTED and "Input/output error" in said:
        return Status.NETWORK  # too many redirects, an answer that is no HTTP
    if (remote and status != Status.UNSUPPORTED) or status == Status.DISK_FULL:
        return status
    return Status.UNDECODABLE
