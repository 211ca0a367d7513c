"""What a configuration will cost before it is started: gigabytes, days of download, hours of GPU.

``python -m wavbrivl.corpus.estimate --configfile config/paper.yaml`` prints a table. Every number follows
from the configuration, the clip list (or, where it is not there yet, the registry's counts) and the
assumptions below, which the table names.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wavbrivl.config import Config, load_config
from wavbrivl.corpus.lists import check_list
from wavbrivl.corpus.registry import find_version
from wavbrivl.errors import UserError

GUEST_PER_HOUR, ACCOUNT_PER_HOUR = 300, 2000  # videos; yt-dlp's wiki, quoted in docs/data.md
CLIP_BYTES_PER_SECOND = 330e9 / 197_957 / 10  # the mirror of VGG-Sound: 330 GB, 197,957 clips of 10 s
FLAC_BYTES_PER_SECOND = 21_500  # ten real clips of VGG-Sound, tar blocks included
FRAME_BYTES = 31_300 + 8_200  # the same: a 360 pixel JPEG and a 64 pixel PNG
JSON_BYTES = 1_000
LINK_MBIT = 100.0
VIDEO_SECONDS = 4.0  # to find a video and read its section, beside the configured pauses
MISSING = (0.2, 0.3)  # of YouTube's videos, 2024 to 2026
TOWER_SHARE = 0.1  # of that pace an EfficientNet reaches: its depthwise convolutions wait for memory
FRAME_RATE = 50  # WavLM's vectors a second
_KERNELS, _STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)  # WavLM's convolutions on 16 kHz
_IMAGE_TOWERS = {  # multiply-adds of one image, and the side it is counted at (Tan and Le, 2019)
    "tf_efficientnet_b5": (9.9e9, 456),
    "tf_efficientnet_b7": (37e9, 600),
}
_SMALL_TOWER = (0.1e9, 64)
_HUB_TOWER = 17.6e9  # a ViT-B/16 at 224: what a model of the hub is counted as, before it is there


@dataclass(frozen=True)
class Estimate:
    """Gigabytes are 10^9 bytes; hours are of one GPU."""

    clips: int
    origin: str
    clips_gb: float
    media_gb: float
    videos_per_hour: float | None
    days: float | None
    embedding_hours: float
    training_hours: float
    remarks: tuple[str, ...]


def estimate(config: Config, jobs: int, tflops: float, cache: Path) -> Estimate:
    """Estimate a configuration.

    Args:
        jobs: fetch jobs side by side: the profile's `downloads`.
        tflops: what the GPU sustains, in 10^12 operations a second.
        cache: where the result of checking a clip list is kept.

    Raises:
        UserError: the clip list is malformed, or neither it nor a registered list is there.
    """
    clips, origin = _clips(config, cache)
    seconds = config.corpus.clip_seconds
    length = seconds + 2 * config.fetch.margin_seconds
    media = seconds * FLAC_BYTES_PER_SECOND + config.media.frames * FRAME_BYTES + JSON_BYTES
    rate, remarks = _rate(config, jobs)
    clips_gb = clips * length * CLIP_BYTES_PER_SECOND / 1e9
    remarks += _bulk(config, clips_gb)
    rows = config.media.frames * (1 + config.teacher.views)
    return Estimate(
        clips=clips,
        origin=origin,
        clips_gb=clips_gb,
        media_gb=clips * media / 1e9,
        videos_per_hour=rate,
        days=None if rate is None else clips / rate / 24,
        embedding_hours=_hours(clips * rows * _image_operations(config), tflops * TOWER_SHARE),
        training_hours=_hours(_training_operations(config), tflops),
        remarks=remarks,
    )


def _clips(config: Config, cache: Path) -> tuple[int, str]:
    """Clips of the list, or those that the registry knows of where the list is not there yet."""
    corpus = config.corpus
    absent = [file for file in corpus.clip_list if not Path(file.path).is_file()]
    if not absent:
        clips = sum(check_list(corpus, cache, config.world).rows.values())
        return min(clips, corpus.selection.sample or clips), "the clip list"
    if [file.format for file in corpus.clip_list] != ["vggsound"]:
        raise UserError(
            f"corpus.clip_list: {absent[0].path} is not there, and the registry has no counts for it"
        )
    clips = find_version("VGG-Sound")[1].counts["rows"]
    return min(clips, corpus.selection.sample or clips), "the registry: the list is not there yet"


def _rate(config: Config, jobs: int) -> tuple[float | None, tuple[str, ...]]:
    """Videos an hour at the configured pace, and what is to be said of it."""
    remote = [source for source in config.corpus.sources if source.kind == "youtube"]
    if not remote:
        asked = any(source.remote for source in config.corpus.sources)
        return None, () if asked else ("no source is asked over a network",)
    fetch = config.fetch
    rate = 3600 * jobs * fetch.workers / (fetch.sleep_seconds + VIDEO_SECONDS)
    rate = min(rate, fetch.videos_per_hour or rate)
    bearable = ACCOUNT_PER_HOUR if any(source.cookies for source in remote) else GUEST_PER_HOUR
    remarks = [
        f"{jobs} jobs of {fetch.workers} workers, a pause of {fetch.sleep_seconds:g} s and about "
        f"{VIDEO_SECONDS:g} s a video; every clip counted as a video of its own",
        f"of YouTube's videos {MISSING[0]:.0%} to {MISSING[1]:.0%} are missing: a request each, and no space",
    ]
    if rate > bearable:
        remarks.append(
            f"YouTube bears about {bearable} videos an hour: above that it blocks, and the download stops; "
            f"set fetch.videos_per_hour to {bearable} or less"
        )
    if any(source.kind == "folder" for source in config.corpus.sources):
        remarks.append("clips that a folder gives first are not asked for")
    return min(rate, bearable), tuple(remarks)


def _bulk(config: Config, clips_gb: float) -> tuple[str, ...]:
    """What is to be said of sources that give clips in bulk."""
    kinds = {source.kind for source in config.corpus.sources if source.remote}
    remarks = []
    if kinds & {"http", "archive"}:
        hours = clips_gb * 8e3 / LINK_MBIT / 3600
        remarks.append(f"all clips from archives or addresses: {hours:,.1f} h at {LINK_MBIT:g} Mbit/s")
    if any(source.kind == "archive" for source in config.corpus.sources):
        remarks.append("what an archive gives lies on the disk twice until its shards are whole")
    return tuple(remarks)


def _image_operations(config: Config) -> float:
    """Operations of the teacher's image tower on one frame: two for each multiplication and addition."""
    if config.teacher.kind == "huggingface":
        return 2 * _HUB_TOWER
    macs, side = _IMAGE_TOWERS.get(config.teacher.image.backbone, _SMALL_TOWER)
    return 2 * macs * (config.teacher.image.image_size / side) ** 2


def audio_operations(config: Config) -> float:
    """Operations of one forward pass of the audio encoder on one second of sound."""
    wavlm = config.audio_encoder.wavlm
    given = wavlm.conv_channels
    channels = list(given) if isinstance(given, list) else [given] * len(_KERNELS)
    rate, before, macs = 16_000.0, 1, 0.0
    for kernel, stride, width in zip(_KERNELS, _STRIDES, channels, strict=True):
        rate /= stride
        macs += rate * kernel * before * width
        before = width
    frames = FRAME_RATE * config.audio_encoder.window_seconds
    size = wavlm.hidden_size
    layer = 4 * size**2 + 2 * size * wavlm.intermediate_size + 2 * frames * size
    macs += FRAME_RATE * (wavlm.layers * layer + size * channels[-1] + wavlm.position_kernel * size**2 / 16)
    block = 4 * size**2 + 2 * size * config.audio_encoder.attention_feedforward + 2 * frames * size
    return 2 * (macs + FRAME_RATE * config.audio_encoder.attention_layers * block)


def _training_operations(config: Config) -> float:
    """Forward and backward (twice the forward); the teacher's too, where it is trained here."""
    seconds = config.audio_encoder.window_seconds
    passes = 1 if config.audio_encoder.wavlm.freeze else 3
    passes += config.training.momentum_scope == "full"
    sound = config.training.steps * config.training.batch_size * seconds * audio_operations(config) * passes
    if config.teacher.checkpoint or config.teacher.kind == "huggingface":
        return sound
    training = config.teacher.training
    return sound + training.steps * training.batch_size * 4 * _image_operations(config)


def _hours(operations: float, tflops: float) -> float:
    return operations / (tflops * 1e12) / 3600


def as_table(found: Estimate, tflops: float) -> str:
    """The estimate for the terminal."""
    days = (
        "none" if found.days is None else f"{found.days:,.1f} days at {found.videos_per_hour:,.0f} videos/h"
    )
    rows = [
        ("clips", f"{found.clips:,} ({found.origin})"),
        ("clip shards", f"{found.clips_gb:,.1f} GB (gone after extraction with keep_clips: false)"),
        ("media shards", f"{found.media_gb:,.1f} GB"),
        ("download", days),
        ("embedding of frames", f"{found.embedding_hours:,.2f} GPU hours"),
        ("training", f"{found.training_hours:,.2f} GPU hours"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    remarks = [
        *found.remarks,
        f"a GPU that sustains {tflops:g} TFLOP/s (--tflops); data loading and evaluation come on top",
        f"the image tower reaches {TOWER_SHARE:.0%} of it",
        f"a clip: {CLIP_BYTES_PER_SECOND / 1000:.0f} kB a second, as in the mirror of VGG-Sound",
    ]
    return "\n".join([*lines, "", "assumed:", *(f"- {remark}" for remark in remarks)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the estimate of a configuration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", type=Path, nargs="*", default=[], help="overlays, as for snakemake")
    parser.add_argument(
        "--downloads", type=int, default=2, help="fetch jobs side by side (the profile's cap)"
    )
    parser.add_argument("--tflops", type=float, default=20.0, help="what the GPU sustains")
    options = parser.parse_args(arguments)
    if options.downloads < 1 or options.tflops <= 0:
        parser.error("--downloads and --tflops must be more than 0")
    try:
        config = load_config(*options.configfile)
        found = estimate(config, options.downloads, options.tflops, Path("data/.checked"))
        print(as_table(found, options.tflops))
    except FileNotFoundError as error:
        raise SystemExit(f"error: there is no file {error.filename}") from None
    except UserError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
