"""One shard from source to members, and what its members must show."""

from pathlib import Path

from tests.corpus_videos import CodedVideo, read_number
from wavbrivl.config.corpus import FetchConfig, MediaConfig, Source
from wavbrivl.corpus.clips import Clip, write_manifest
from wavbrivl.corpus.fetch import fetch_shard
from wavbrivl.corpus.ledger import LedgerRow, read_ledger
from wavbrivl.corpus.media import extract_shard
from wavbrivl.corpus.sources import open_sources
from wavbrivl.shards.reader import MediaShards

FETCH = FetchConfig(margin_seconds=0.5, workers=1)
NAME = "train-00000"


def made_shard(
    folder: Path, clips: list[Clip], source: Source, media: MediaConfig | None = None, seed: int = 7
) -> list[LedgerRow]:
    """Fetch and extract one shard below `folder`; return the media ledger."""
    manifest = folder / f"{NAME}.csv"
    write_manifest(manifest, clips)
    tar, ledger = folder / "clips.tar", folder / "clips.csv"
    fetch_shard(manifest, tar, ledger, folder / "spool" / "s", open_sources([source], FETCH), FETCH)
    outputs = folder / f"{NAME}.tar", folder / "media.csv"
    extract_shard(tar, ledger, manifest, *outputs, media or MediaConfig(), seed)
    return read_ledger(folder / "media.csv")


def shards_in(folder: Path) -> MediaShards:
    """What `made_shard` made."""
    return MediaShards([folder / f"{NAME}.tar"])


def check_times(video: CodedVideo, shards: MediaShards) -> None:
    """Sound and pictures of every clip are those of the manifest's times, by the codes in them."""
    for i in range(len(shards)):
        meta = shards.meta(i)
        sound = shards.audio(i)
        assert len(sound) == meta["n_samples"] == (meta["end_ms"] - meta["start_ms"]) * 16
        assert abs(video.sound_seconds(sound) * 1000 - meta["start_ms"]) <= 1
        assert len(meta["frame_times_ms"]) == shards.frames(i)
        for frame, ms in enumerate(meta["frame_times_ms"]):
            assert meta["start_ms"] <= ms < meta["end_ms"]
            for size in (360, 64):
                number = read_number(shards.image(i, size, frame))
                assert abs(number / video.fps * 1000 - ms) <= 1
