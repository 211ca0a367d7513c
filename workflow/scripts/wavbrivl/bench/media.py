"""Media extraction beside the usual scripts, and beside the bare decoding that limits it.

Everything is counted in processor seconds, of this process and of those it started, so that the
numbers are per core and hold on a busy machine. All ways run on the same clips, one after the other.
"""

import dataclasses
import io
import resource
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import decord
import imageio_ffmpeg

from wavbrivl.config.corpus import MediaConfig
from wavbrivl.corpus.clips import Clip, clip_id, read_manifest, write_manifest
from wavbrivl.corpus.decode import Clip as Media
from wavbrivl.corpus.extract import choose_frames, frames_shown
from wavbrivl.corpus.ledger import LedgerRow, Status, read_ledger, write_ledger
from wavbrivl.corpus.media import extract_shard
from wavbrivl.corpus.request import Request
from wavbrivl.corpus.sources.base import zero_ms
from wavbrivl.shards.tar import TarWriter
from wavbrivl.workflow.record import machine

FEWEST = 100  # clips in the measured shard: starting the decoding process must not be what is measured


class FetchedShard(NamedTuple):
    """A fetched shard: its manifest, its tar of clips and their ledger."""

    manifest: Path
    tar: Path
    ledger: Path


class _Sample(NamedTuple):
    clip: Clip
    row: LedgerRow
    data: bytes


def media_benchmarks(shards: Sequence[FetchedShard], media: MediaConfig, seed: int) -> list[dict[str, Any]]:
    """Measure `media_vs_scripts` (at least 3 is wanted) and `media_vs_decode` (at least 0.6).

    Args:
        shards: fetched shards, real or embedded, with at least one good clip.

    Returns:
        Two records of name, value, unit, against, ratio, machine; values are clips per second and core.
    """
    samples = [sample for shard in shards for sample in _samples(shard)]
    samples = _decodable(samples, media, seed)
    copies = -(-FEWEST // len(samples))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shard = _repeated(samples, copies, folder)
        outputs = folder / "out.tar", folder / "out.csv"
        ours = _rate(len(samples) * copies, lambda: extract_shard(shard.tar, shard.ledger, shard.manifest,
                                                                  *outputs, media, seed))  # fmt: skip
        plain = _rate(len(samples), lambda: [_script(sample, folder) for sample in samples])
        bare = _rate(len(samples), lambda: [_decode(sample, media, seed) for sample in samples])
    unit = f"clips per second and core ({len(samples)} clips, {media.frames} frame each)"
    scripts = "one ffmpeg call for the sound and one for each frame size"
    decode = "bare decord decoding of the same frame and sound, sound at its own rate"
    return [
        _record("media_vs_scripts", ours, unit, scripts, plain),
        _record("media_vs_decode", ours, unit, decode, bare),
    ]


def _record(name: str, ours: float, unit: str, what: str, theirs: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(ours, 2),
        "unit": unit,
        "against": {"what": what, "value": round(theirs, 2)},
        "ratio": round(ours / theirs, 2),
        "machine": machine(),
    }


def _rate(clips: int, work: Callable[[], object]) -> float:
    before = _processor_seconds()
    work()
    return clips / (_processor_seconds() - before)


def _processor_seconds() -> float:
    """Of this process and of all that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _samples(shard: FetchedShard) -> list[_Sample]:
    rows = {row.clip_id: row for row in read_ledger(shard.ledger)}
    clips = {clip.clip_id: clip for clip in read_manifest(shard.manifest)}
    samples = []
    with tarfile.open(shard.tar, "r:") as archive:
        for member in archive:
            name = member.name.removesuffix(".mp4")
            data = archive.extractfile(member)
            if data is not None:
                samples.append(_Sample(clips[name], rows[name], data.read()))
    return samples


def _decodable(samples: list[_Sample], media: MediaConfig, seed: int) -> list[_Sample]:
    """Those that become members; the others would be compared with failures."""
    with tempfile.TemporaryDirectory() as name:
        shard = _repeated(samples, 1, Path(name))
        out = Path(name) / "out.csv"
        extract_shard(shard.tar, shard.ledger, shard.manifest, Path(name) / "out.tar", out, media, seed)
        good = {row.clip_id.split("-")[0] for row in read_ledger(out) if row.status == Status.OK}
    return [sample for i, sample in enumerate(samples) if f"{i:06d}" in good]


def _repeated(samples: Sequence[_Sample], copies: int, folder: Path) -> FetchedShard:
    """One shard that holds every sample several times, under ids `<number>-<copy>`."""
    shard = FetchedShard(folder / "train-00000.csv", folder / "clips.tar", folder / "clips.csv")
    clips, rows = [], []
    with shard.tar.open("wb") as handle:
        writer = TarWriter(handle)
        for i, sample in enumerate(samples):
            for copy in range(copies):
                video = f"{i:06d}-{copy:04d}"
                name = clip_id(video, sample.clip.start_ms, sample.clip.end_ms)
                clips.append(dataclasses.replace(sample.clip, clip_id=name, video_id=video))
                rows.append(dataclasses.replace(sample.row, clip_id=name))
                writer.add(f"{name}.mp4", sample.data)
        writer.finish()
    write_manifest(shard.manifest, clips)
    write_ledger(shard.ledger, rows)
    return shard


def _script(sample: _Sample, folder: Path) -> None:
    """The usual way: three ffmpeg calls, seeking before the input, on one thread (the quickest per core)."""
    source = folder / "clip.mp4"
    source.write_bytes(sample.data)
    start, seconds = _span(sample)
    square = "crop='min(iw,ih)':'min(iw,ih)'"
    middle = ["-ss", f"{start + seconds / 2:.3f}"]
    _ffmpeg("-ss", f"{start:.3f}", "-t", f"{seconds:.3f}", "-i", source, "-vn", "-ac", "1", "-ar", "16000",
            folder / "sound.flac")  # fmt: skip
    for size, name in ((360, "large.jpg"), (64, "small.png")):
        picture = ["-an", "-frames:v", "1", "-vf", f"{square},scale={size}:{size}:flags=area"]
        _ffmpeg(*middle, "-i", source, *picture, folder / name)


def _ffmpeg(*arguments: object) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "quiet", "-y", "-threads", "1"]
    subprocess.run([*command, *map(str, arguments)], check=True, timeout=120)


def _span(sample: _Sample) -> tuple[float, float]:
    """Start of the clip, counted from the first sample of the file as ffmpeg's `-ss` does, and its length."""
    media = Media(sample.data)
    first = min(float(media.video.times.min()), float(media.audio.times.min()))
    start = (sample.clip.start_ms - zero_ms(sample.row.source, sample.clip)) / 1000
    return max(0.0, start - max(first, 0.0)), (sample.clip.end_ms - sample.clip.start_ms) / 1000


def _decode(sample: _Sample, media: MediaConfig, seed: int) -> None:
    """Nothing but decord: the sound at its own rate, and the same frames."""
    file = Media(sample.data)
    zero = zero_ms(sample.row.source, sample.clip)
    request = Request(
        sample.clip, zero, media.frames, media.square, media.jpeg_quality, media.pad_seconds, seed
    )
    start, end = (sample.clip.start_ms - zero) / 1000, (sample.clip.end_ms - zero) / 1000
    decord.AudioReader(io.BytesIO(sample.data), sample_rate=-1, mono=True)
    reader = decord.VideoReader(io.BytesIO(sample.data), num_threads=1)
    for index in choose_frames(frames_shown(file, start, end), request):
        reader[index].asnumpy()
