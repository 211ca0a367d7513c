"""Fixtures that several folders of tests share."""

from pathlib import Path

import pytest

from tests.checkouts import checkout, copied, finished
from tests.corpus_videos import CodedVideo, make_video

# In one place, so that a run of several folders makes the finished checkout once.
__all__ = ["checkout", "coded_video", "copied", "finished", "real_data"]


@pytest.fixture(scope="session")
def coded_video(tmp_path_factory: pytest.TempPathFactory) -> CodedVideo:
    """12 s at 25 frames a second, a key frame every 2 s, stereo at 44.1 kHz."""
    return make_video(tmp_path_factory.mktemp("videos") / "coded.mp4", seconds=12)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real samples; a test that needs it is skipped where it is absent."""
    import os

    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("WAVBRIVL_REAL_DATA") or root.parent / "shared" / "data" / "real")
    if not (folder / "VGGSound" / "clips").is_dir():
        pytest.skip(f"no real samples in {folder}: set WAVBRIVL_REAL_DATA")
    return folder
