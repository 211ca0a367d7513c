"""Run benchmarks and write one record each: ``python -m wavbrivl.bench [NAME ...]``.

The embedded corpus must have been fetched for the media benchmarks (``make bench`` sees to that). They
measure real clips as well where WAVBRIVL_REAL_DATA names a folder with VGGSound/clips/*.mp4 in it.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wavbrivl.bench.dvc_status import dvc_status_benchmark
from wavbrivl.bench.manifest import manifest_benchmark
from wavbrivl.bench.media import Video, embedded_videos, media_benchmarks, real_videos
from wavbrivl.bench.media_memory import memory_benchmark
from wavbrivl.bench.plan import plan_benchmark
from wavbrivl.bench.retrieval import retrieval_benchmark
from wavbrivl.config import load_config
from wavbrivl.errors import UserError
from wavbrivl.files import write_json

Records = list[dict[str, Any]]


def media(data: Path) -> Records:
    """Cutting and media extraction beside scripts and beside bare decoding, on embedded and real clips."""
    config = load_config(Path("config/config.yaml"))
    groups = {"embedded": _embedded(data)}
    if real := os.environ.get("WAVBRIVL_REAL_DATA"):
        groups["real"] = real_videos(Path(real) / "VGGSound/clips")
    return media_benchmarks(groups, config.media, config.seed)


def media_memory(data: Path) -> Records:
    """The memory of a media job, for a short shard and for a long one."""
    return [memory_benchmark(_embedded(data)[0].path)]


def manifest_all(data: Path) -> Records:
    """The manifests of VGG-Sound and AudioSet, from their whole lists."""
    return [manifest_benchmark()]


def plan_vggsound(data: Path) -> Records:
    """A dry run over the whole of VGG-Sound."""
    return [plan_benchmark("plan_vggsound", Path.cwd())]


def plan_all(data: Path) -> Records:
    """A dry run over the whole of VGG-Sound and AudioSet."""
    return [plan_benchmark("plan_all", Path.cwd())]


def dvc_status(data: Path) -> Records:
    """`dvc status` of a run as large as the paper's."""
    return [dvc_status_benchmark(Path.cwd())]


def embed(data: Path) -> Records:
    """Frames embedded out of shards beside the bare tower, at BriVL's full size."""
    from wavbrivl.bench.embed import embed_benchmark  # torch, which planning and media do not need

    return [embed_benchmark()]


def train_memory(data: Path) -> Records:
    """Training of the paper's encoder beside the same model fed from memory."""
    from wavbrivl.bench.training import train_vs_memory

    return [train_vs_memory()]


def train_live(data: Path) -> Records:
    """Training from shards and cached embeddings beside decoding and teacher at every step."""
    from wavbrivl.bench.training import train_cached_vs_live

    return [train_cached_vs_live()]


def generation(name: str) -> Callable[[Path], Records]:
    """One measurement of drawing, at the sizes of the default configuration."""

    def measure(data: Path) -> Records:
        from wavbrivl.bench import generation as measured

        config = load_config(Path("config/config.yaml"))
        return [getattr(measured, name)(config.generate, config.teacher, config.seed)]

    return measure


def retrieval(data: Path) -> Records:
    """Cross-modal retrieval at the size of VGG-Sound's test split."""
    return [retrieval_benchmark()]


BENCHMARKS: dict[tuple[str, ...], Callable[[Path], Records]] = {
    ("media_vs_scripts", "media_vs_decode"): media,
    ("media_memory",): media_memory,
    ("manifest_all",): manifest_all,
    ("plan_vggsound",): plan_vggsound,
    ("plan_all",): plan_all,
    ("dvc_status",): dvc_status,
    ("embed_vs_forward",): embed,
    ("train_vs_memory",): train_memory,
    ("train_cached_vs_live",): train_live,
    ("dalle_kv_cache",): generation("dalle_kv_cache"),
    ("diffusion_samplers",): generation("diffusion_samplers"),
    ("candidates_scored",): generation("candidates_scored"),
    ("retrieval_15k",): retrieval,
}
"""What each function measures: one run may give several records."""


def main() -> int:
    """Run the named benchmarks, or all, and print a line for each."""
    known = [name for names in BENCHMARKS for name in names]
    parser = argparse.ArgumentParser(prog="python -m wavbrivl.bench", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}; all by default")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the corpora")
    parser.add_argument("--out", type=Path, default=Path("results/bench"), help="folder for the records")
    arguments = parser.parse_args()
    wanted = arguments.names or known
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; known are {', '.join(known)}")
    for names, measure in BENCHMARKS.items():
        if set(names) & set(wanted):
            _report(measure(arguments.data), wanted, arguments.out)
    return 0


def _report(records: Records, wanted: list[str], out: Path) -> None:
    for record in records:
        if record["name"] in wanted:
            write_json(out / f"{record['name']}.json", record)
            against = record["against"]
            print(
                f"{record['name']}: {record['value']} {record['unit']}; "
                f"{against['what']}: {against['value']}; ratio {record['ratio']}"
            )


def _embedded(data: Path) -> list[Video]:
    """The test videos of the embedded world.

    Raises:
        UserError: the embedded corpus has not been made.
    """
    manifests = (data / "embedded/manifest").glob("test-*.csv")
    videos = embedded_videos(sorted(path for path in manifests if path.name.count("-") == 1))
    if not videos:
        raise UserError(f"{data}/embedded holds no videos; run `snakemake --cores all corpus` first")
    return videos


if __name__ == "__main__":
    raise SystemExit(main())
