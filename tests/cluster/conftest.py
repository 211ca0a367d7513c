"""One Slurm for all tests of this folder."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.cluster.slurm import Slurm


@pytest.fixture(scope="session")
def slurm():
    """A running cluster of one node."""
    if reason := Slurm.missing():
        pytest.skip(reason)
    # Sockets have short names only, so not below pytest's own folder.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    cluster = Slurm.start(folder)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)
