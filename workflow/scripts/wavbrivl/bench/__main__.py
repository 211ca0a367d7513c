"""Run benchmarks and write one record each: ``python -m wavbrivl.bench [NAME ...]``.

The embedded corpus must have been fetched for the media benchmarks (``make bench`` sees to that).
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wavbrivl.bench.media import FetchedShard, media_benchmarks
from wavbrivl.bench.plan import plan_benchmark
from wavbrivl.bench.retrieval import retrieval_benchmark
from wavbrivl.config import load_config
from wavbrivl.errors import UserError
from wavbrivl.files import write_json

Records = list[dict[str, Any]]


def media(data: Path) -> Records:
    """Media extraction beside scripts and beside bare decoding, on embedded clips."""
    config = load_config(Path("config/config.yaml"))
    tars = sorted((data / "embedded/clips").glob("test-*.tar"))
    if not tars:
        raise UserError(
            f"{data}/embedded/clips holds no fetched shard; run `snakemake --cores all corpus` first"
        )
    shards = [_shard(data, tar) for tar in tars]
    return media_benchmarks(shards, config.media, config.seed)


def plan_vggsound(data: Path) -> Records:
    """A dry run over the whole of VGG-Sound."""
    return [plan_benchmark("plan_vggsound", Path.cwd())]


def plan_all(data: Path) -> Records:
    """A dry run over the whole of VGG-Sound and AudioSet."""
    return [plan_benchmark("plan_all", Path.cwd())]


def retrieval(data: Path) -> Records:
    """Cross-modal retrieval at the size of VGG-Sound's test split."""
    return [retrieval_benchmark()]


BENCHMARKS: dict[tuple[str, ...], Callable[[Path], Records]] = {
    ("media_vs_scripts", "media_vs_decode"): media,
    ("plan_vggsound",): plan_vggsound,
    ("plan_all",): plan_all,
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


def _shard(data: Path, tar: Path) -> FetchedShard:
    name = tar.stem
    manifest = data / "embedded/manifest" / f"{name}.csv"
    return FetchedShard(manifest, tar, tar.with_name(f"{name}.ledger.csv"))


if __name__ == "__main__":
    raise SystemExit(main())
