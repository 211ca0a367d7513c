"""A frozen corpus is taken as it stands; thawed, exactly its pending shards are fetched; retries too."""

import csv
import shutil

import pytest

from wavbrivl.corpus.ledger import Status, read_ledger

pytestmark = pytest.mark.workflow

FROZEN = ("--config", "corpus={freeze: true}")
MISSING = "results/test/coverage/missing.csv"


@pytest.fixture
def partly(checkout):
    """A checkout in which one shard of four is fetched."""
    done = checkout.run("data/embedded/media/train-00000.tar")
    assert done.returncode == 0, done.stderr[-4000:]
    return checkout


def _causes(checkout) -> set[str]:
    with (checkout.path / MISSING).open(encoding="utf-8", newline="") as handle:
        return {row["status"] for row in csv.DictReader(handle)}


def test_freeze_thaw_and_retry_run_exactly_what_they_must(partly):
    assert partly.planned("coverage", *FROZEN)["fetch_clips"] == 3
    done = partly.run("coverage", *FROZEN)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "pending" in done.stdout, "the table is printed"
    assert "pending" in _causes(partly)
    assert "fetch_clips" not in partly.planned("coverage", *FROZEN), "as it stands: nothing more to do"

    thawed = partly.planned("coverage")
    assert thawed["fetch_clips"] == 3 and thawed["extract_media"] == 3
    assert "build_manifest" not in thawed and "make_world" not in thawed
    done = partly.run("coverage")
    assert done.returncode == 0, done.stderr[-4000:]
    assert "pending" not in _causes(partly)
    assert set(partly.planned("coverage")) <= {"coverage"}
    assert set(partly.planned("coverage", *FROZEN)) <= {"coverage"}

    # No failure is a passing one here, so nothing is given up; patience and politeness rerun nothing.
    done = partly.run("retry_transient")
    assert done.returncode == 0 and "0 clips of 0 shards" in done.stderr + done.stdout
    assert set(partly.planned("coverage")) <= {"coverage"}
    assert set(partly.planned("coverage", "--config", "fetch={workers: 1, sleep_seconds: 3}")) <= {"coverage"}

    shutil.rmtree(partly.path / ".snakemake")  # as in a fresh clone: Snakemake knows nothing of earlier runs
    done = partly.run("retry_transient", "--config", "corpus={retry: all}")
    assert done.returncode == 0, done.stderr[-4000:]
    planned = partly.planned("coverage")
    assert planned["fetch_clips"] == planned["extract_media"] == len(_shards_with_failures(partly))
    assert partly.run("coverage").returncode == 0
    assert set(partly.planned("coverage")) <= {"coverage"}


def _shards_with_failures(checkout) -> list[str]:
    """Shards of which a source did not give every clip."""
    ledgers = sorted((checkout.path / "data/embedded/clips").glob("*.ledger.csv"))
    return [path.name for path in ledgers if any(row.status != Status.OK for row in read_ledger(path))]
