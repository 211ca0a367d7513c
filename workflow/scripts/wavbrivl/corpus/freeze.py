"""Which shards are there when a corpus is taken as it stands, and which are asked again later."""

import logging
import re
from collections.abc import Iterable
from pathlib import Path

from wavbrivl.config.corpus import CorpusConfig, FetchConfig
from wavbrivl.corpus.kept import Kept, key_of
from wavbrivl.corpus.ledger import RETRIED, Status
from wavbrivl.files import write_text

logger = logging.getLogger(__name__)


def pending_shards(shards: Iterable[str], corpus: Path) -> set[str]:
    """Shards that were never fetched to their end.

    A finished shard has a ledger and no spool; one that a frozen run made keeps its spool.
    """
    return {
        shard
        for shard in shards
        if (corpus / "spool" / shard).exists() or not (corpus / "clips" / f"{shard}.ledger.csv").exists()
    }


def fetchable(shards: Iterable[str], corpus: Path, pending: set[str]) -> str:
    """A pattern of the shards that a rule may make in a frozen corpus: those that are not there."""
    names = [s for s in shards if s in pending or not (corpus / "clips" / f"{s}.tar").exists()]
    return "|".join(map(re.escape, names)) or "none"


def ask_again(
    corpus: Path, shards: Iterable[str], config: CorpusConfig, fetch: FetchConfig
) -> dict[str, int]:
    """Have every finished shard run again that lacks clips for a passing reason.

    How often a shard was asked again stands in a file that is an input of its job: a new number is
    what makes Snakemake run it, in a fresh clone too. What the shard has is kept beside the outputs.

    Args:
        config: `retry` says whether only transient failures are asked again, or all that is missing.

    Returns:
        Shard to how many of its clips will be asked for; nothing is asked here.
    """
    statuses = RETRIED if config.retry == "transient" else frozenset(Status) - {Status.OK}
    key = key_of(fetch, [source.kind for source in config.sources])
    counts = {}
    for shard in shards:
        tar, ledger = (corpus / "clips" / f"{shard}{suffix}" for suffix in (".tar", ".ledger.csv"))
        kept = Kept(corpus / "fetched", shard)
        if not ledger.exists():
            continue
        if not tar.exists() and not kept.tar.exists():
            logger.warning("%s is left as it is: its clips were not kept (corpus.keep_clips)", shard)
            continue
        if asked := kept.ask_again(tar, ledger, statuses, key):
            counts[shard] = asked
            _mark(retry_mark(corpus, shard))
    return counts


def retry_mark(corpus: Path, shard: str) -> Path:
    """A file that says how often the shard was asked again; it is not there for a shard that never was."""
    return corpus / "retries" / shard


def _mark(path: Path) -> None:
    times = int(path.read_text(encoding="utf-8")) if path.exists() else 0
    write_text(path, f"{times + 1}\n")
