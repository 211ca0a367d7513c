"""Cutting and media extraction beside the usual scripts, and beside the bare decoding that limits it.

Everything is counted in processor seconds, of this process and of those it started, so that the
numbers are per core and hold on a busy machine. All ways run on the same clips, one after the other.
"""

import dataclasses
import io
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import decord
import imageio_ffmpeg

from wavbrivl.bench.profile import processor_seconds, shares
from wavbrivl.config.corpus import MediaConfig
from wavbrivl.corpus.clips import Clip, clip_id, read_manifest, write_manifest
from wavbrivl.corpus.cut import Stream, cut_clips
from wavbrivl.corpus.decode import Clip as Media
from wavbrivl.corpus.extract import choose_frames, extract, frames_shown
from wavbrivl.corpus.ledger import LedgerRow, Status, read_ledger, write_ledger
from wavbrivl.corpus.media import extract_shard
from wavbrivl.corpus.request import Request
from wavbrivl.errors import UserError
from wavbrivl.shards.tar import TarWriter
from wavbrivl.workflow.record import machine

FEWEST = 100  # clips in the measured shard: starting the decoding process must not be what is measured
MARGIN = 1.0
TIMEOUT = 120
SCRIPTS = "a stream copy for the cut, one ffmpeg call for the sound and one for each frame size"
BARE = "bare decord decoding of the same frame and sound in one process, sound at its own rate"


class Video(NamedTuple):
    """A whole video and the clips that are to be cut out of it."""

    path: Path
    clips: list[Clip]


class Seconds(NamedTuple):
    """Processor seconds of one clip, by what was done."""

    cut: float
    extract: float
    scripts: float
    bare: float


class _Sample(NamedTuple):
    video: Path
    clip: Clip
    data: bytes


def embedded_videos(manifests: Iterable[Path]) -> list[Video]:
    """The embedded world's videos of some shards, those left out that fail on purpose."""
    videos: dict[Path, list[Clip]] = {}
    for manifest in manifests:
        for clip in read_manifest(manifest):
            videos.setdefault(Path(unquote(urlsplit(clip.address).path)), []).append(clip)
    return [Video(path, clips) for path, clips in videos.items() if path.is_file()]


def real_videos(folder: Path, seconds: int = 10) -> list[Video]:
    """Real files, each with a clip at its start."""
    paths = sorted(folder.glob("*.mp4"))
    name = [f"real{number:04d}" for number in range(len(paths))]
    ids = [(video, clip_id(video, 0, seconds * 1000)) for video in name]
    clips = [Clip(clip, video, 0, seconds * 1000, "", "test") for video, clip in ids]
    return [Video(path, [clip]) for path, clip in zip(paths, clips, strict=True)]


def media_benchmarks(groups: dict[str, list[Video]], media: MediaConfig, seed: int) -> list[dict[str, Any]]:
    """Measure `media_vs_scripts` (at least 3 is wanted) and `media_vs_decode` (at least 0.6).

    Args:
        groups: videos by what they are; each is measured by itself, and all together.

    Returns:
        Two records of name, value, unit, against, ratio, machine; values are clips per second and core.

    Raises:
        UserError: no clip can be extracted.
    """
    measured = {name: _measure(videos, media, seed) for name, videos in groups.items() if videos}
    counts = {name: n for name, (n, _, _) in measured.items()}
    said = " and ".join(f"{n} {name}" for name, n in counts.items())
    unit = f"clips per second and core ({said} clips, {media.frames} frame each)"
    seconds = {name: found for name, (_, found, _) in measured.items()}
    total = sum(counts.values())
    seconds["all"] = Seconds(*(sum(counts[g] * seconds[g][i] for g in counts) / total for i in range(4)))
    where = {name: shown for name, (_, _, shown) in measured.items()}
    scripts = {name: (1 / (s.cut + s.extract), 1 / s.scripts) for name, s in seconds.items()}
    decode = {name: (1 / s.extract, 1 / s.bare) for name, s in seconds.items()}
    return [
        _record("media_vs_scripts", scripts, unit, SCRIPTS),
        _record("media_vs_decode", decode, unit, BARE) | {"where": where},
    ]


def _record(name: str, rates: dict[str, tuple[float, float]], unit: str, what: str) -> dict[str, Any]:
    rounded = {
        group: {"value": round(ours, 2), "against": round(theirs, 2), "ratio": round(ours / theirs, 2)}
        for group, (ours, theirs) in rates.items()
    }
    whole = rounded.pop("all")
    return {
        "name": name,
        "value": whole["value"],
        "unit": unit,
        "against": {"what": what, "value": whole["against"]},
        "ratio": whole["ratio"],
        "groups": rounded,
        "machine": machine(),
    }


def _measure(videos: Sequence[Video], media: MediaConfig, seed: int) -> tuple[int, Seconds, dict[str, float]]:
    """Number of clips, seconds of each by what was done, and where those of the extraction go."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = _decodable(_cut(videos, folder), folder, media, seed)
        kept: dict[Path, list[Clip]] = {}
        for sample in samples:
            kept.setdefault(sample.video, []).append(sample.clip)
        copies = -(-FEWEST // len(samples))
        cut = processor_seconds(lambda: _cut([Video(*item) for item in kept.items()], folder))
        ours = processor_seconds(lambda: _extract(samples, copies, folder, media, seed))
        scripts = processor_seconds(lambda: [_script(sample, folder) for sample in samples])
        bare = processor_seconds(lambda: [_decode(sample, media, seed) for sample in samples])
        one = ours / copies
        where = shares(lambda: [extract(s.data, _request(s.clip, media, seed)) for s in samples], one)
    n = len(samples)
    return n, Seconds(cut / n, one / n, scripts / n, bare / n), where


def _cut(videos: Iterable[Video], folder: Path) -> list[_Sample]:
    samples = []
    for video in videos:
        paths = cut_clips([Stream(str(video.path))], video.clips, folder, MARGIN, TIMEOUT)
        for clip in video.clips:
            samples.append(_Sample(video.path, clip, paths[clip.clip_id].read_bytes()))
    return samples


def _decodable(samples: list[_Sample], folder: Path, media: MediaConfig, seed: int) -> list[_Sample]:
    """Those that become members; the others would be compared with failures."""
    good = _extract(samples, 1, folder, media, seed)
    if not any(good):
        raise UserError("none of the clips can be extracted")
    return [sample for sample, ok in zip(samples, good, strict=True) if ok]


def _extract(
    samples: Sequence[_Sample], copies: int, folder: Path, media: MediaConfig, seed: int
) -> list[bool]:
    """One shard that holds every sample several times; whether each became a member."""
    manifest, tar, ledger = folder / "test-00000.csv", folder / "clips.tar", folder / "clips.csv"
    clips = []
    with tar.open("wb") as handle:
        writer = TarWriter(handle)
        for i, sample in enumerate(samples):
            for copy in range(copies):
                video = f"{i:06d}-{copy:04d}"
                name = clip_id(video, sample.clip.start_ms, sample.clip.end_ms)
                clips.append(dataclasses.replace(sample.clip, clip_id=name, video_id=video))
                writer.add(f"{name}.mp4", sample.data)
        writer.finish()
    write_manifest(manifest, clips)
    write_ledger(ledger, (LedgerRow(clip.clip_id, Status.OK, source="embedded") for clip in clips))
    extract_shard(tar, ledger, manifest, folder / "out.tar", folder / "out.csv", media, seed)
    return [row.status == Status.OK for row in read_ledger(folder / "out.csv")]


def _script(sample: _Sample, folder: Path) -> None:
    """The usual way: four ffmpeg calls, seeking before the input, on one thread (the quickest per core)."""
    source, cut = sample.video, folder / "cut.mp4"
    start, seconds = sample.clip.start_ms / 1000, (sample.clip.end_ms - sample.clip.start_ms) / 1000
    square = "crop='min(iw,ih)':'min(iw,ih)'"
    _ffmpeg("-ss", f"{start:.3f}", "-i", source, "-t", f"{seconds:.3f}", "-c", "copy", cut)
    _ffmpeg("-i", cut, "-vn", "-ac", "1", "-ar", "16000", folder / "sound.flac")
    for size, name in ((360, "large.jpg"), (64, "small.png")):
        picture = ["-an", "-frames:v", "1", "-vf", f"{square},scale={size}:{size}:flags=area"]
        _ffmpeg("-ss", f"{seconds / 2:.3f}", "-i", cut, *picture, folder / name)


def _ffmpeg(*arguments: object) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "quiet", "-y", "-threads", "1"]
    subprocess.run([*command, *map(str, arguments)], check=True, timeout=TIMEOUT)


def _decode(sample: _Sample, media: MediaConfig, seed: int) -> None:
    """Nothing but decord: the sound at its own rate, and the same frames."""
    file = Media(sample.data)
    start, end = sample.clip.start_ms / 1000, sample.clip.end_ms / 1000
    decord.AudioReader(io.BytesIO(sample.data), sample_rate=-1, mono=True)
    reader = decord.VideoReader(io.BytesIO(sample.data), num_threads=1)
    for index in choose_frames(frames_shown(file, start, end), _request(sample.clip, media, seed)):
        reader[index].asnumpy()


def _request(clip: Clip, media: MediaConfig, seed: int) -> Request:
    return Request(clip, 0, media.frames, media.square, media.jpeg_quality, media.pad_seconds, seed)
