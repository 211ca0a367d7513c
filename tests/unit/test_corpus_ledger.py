"""The ledger: round trip, coverage, and the causes that sources give."""

import time
from email.utils import formatdate
from pathlib import Path

import pytest
import yt_dlp
from yt_dlp.networking.exceptions import TransportError
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError

from wavbrivl.corpus.causes import http_error, source_error
from wavbrivl.corpus.ledger import LedgerRow, Status, coverage, one_line, read_ledger, write_ledger
from wavbrivl.errors import UserError


def test_round_trip_and_coverage(tmp_path):
    rows = [
        LedgerRow("a_0_1", Status.OK, "", "youtube", 2, 10, "ab", 1000, False, None),
        LedgerRow("b_0_1", Status.GONE, 'said "no, never"', "youtube", 1),
        LedgerRow("c_0_1", Status.GONE, "x", "youtube", 1, silence=True, still=True),
    ]
    write_ledger(tmp_path / "l.csv", rows)
    assert read_ledger(tmp_path / "l.csv") == rows
    assert coverage([tmp_path / "l.csv"]) == {"expected": 3, "found": 1, "missing": {"gone": 2}}


def test_a_foreign_file_or_status_is_refused(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text("a,b\n")
    with pytest.raises(UserError, match="not a ledger"):
        read_ledger(path)
    write_ledger(path, [LedgerRow("a_0_1", Status.OK)])
    path.write_text(path.read_text().replace(",ok,", ",fine,"))
    with pytest.raises(UserError, match="line 2"):
        read_ledger(path)


def test_a_cause_is_one_bounded_line():
    assert one_line("a\n\tb\x1b[31m") == "a b [31m"
    assert len(one_line("x" * 10_000)) == 500


def wrapped(error: Exception) -> DownloadError:
    return DownloadError(f"ERROR: {error}", (type(error), error, None))


SAYINGS = [
    ("Private video. Sign in if you've been granted access to this video", Status.PRIVATE),
    ("Video unavailable. This video has been removed by the uploader", Status.GONE),
    ("Video unavailable. The YouTube account associated with this video has been terminated.", Status.GONE),
    ("This video is no longer available due to a copyright claim by X", Status.GONE),
    ("Sign in to confirm your age. This video may be inappropriate for some users.", Status.AGE_RESTRICTED),
    ("Sign in to confirm you’re not a bot. Use --cookies-from-browser", Status.BLOCKED),
    (
        "Video unavailable. The uploader has not made this video available in your country",
        Status.REGION_BLOCKED,
    ),
    ("Join this channel to get access to members-only content like this video", Status.MEMBERS_ONLY),
    ("Premieres in 3 hours", Status.NOT_YET),
    ("This live event will begin in 2 days.", Status.NOT_YET),
    ("Your account has been rate-limited by YouTube for up to an hour", Status.RATE_LIMITED),
    ("Video unavailable. This content isn't available, try again later.", Status.RATE_LIMITED),
    ("This video is DRM protected", Status.UNSUPPORTED),
    ("Requested format is not available", Status.FORBIDDEN),
    ("something that nobody has said before", Status.UNSUPPORTED),
]


@pytest.mark.parametrize("said, status", SAYINGS)
def test_what_youtube_says(said: str, status: Status):
    found = source_error(wrapped(ExtractorError(said, expected=True, video_id="abcdefghijk")))
    assert found.status == status
    assert said.split(".")[0].split("’")[0] in found.cause


def test_region_by_type_of_exception():
    error = GeoRestrictedError("The uploader has not made this video available in your country")
    assert source_error(wrapped(error)).status == Status.REGION_BLOCKED


@pytest.mark.parametrize(
    "inner, status",
    [
        (OSError(28, "No space left on device"), Status.DISK_FULL),
        (OSError(101, "Network is unreachable"), Status.OFFLINE),
        (TimeoutError("The read operation timed out"), Status.TIMEOUT),
        (ConnectionResetError(104, "Connection reset by peer"), Status.NETWORK),
    ],
)
def test_what_the_system_says(inner: OSError, status: Status):
    assert source_error(wrapped(TransportError(str(inner), cause=inner))).status == status


@pytest.mark.parametrize(
    "value, seconds", [("120", 120), ("0", 0), ("soon", None), ("", None), ("-5", None), ("²", None)]
)
def test_how_long_a_host_asks_us_to_wait(value, seconds):
    error = http_error(429, "Too Many Requests", {"Retry-After": value} if value else None)
    assert (error.status, error.retry_after) == (Status.RATE_LIMITED, seconds)


def test_a_host_may_say_until_when():
    later = formatdate(time.time() + 300, usegmt=True)
    assert 295 < http_error(429, "wait", {"Retry-After": later}).retry_after <= 300
    assert http_error(503, "wait", {"Retry-After": formatdate(0, usegmt=True)}).retry_after == 1.0


def test_names_that_cannot_be_resolved_mean_offline():
    said = "Failed to resolve 'www.youtube.com' ([Errno -3] Temporary failure in name resolution)"
    assert source_error(yt_dlp.utils.DownloadError(said)).status == Status.OFFLINE


def test_a_cause_does_not_tell_where_the_run_lies():
    assert one_line(f"no such file: {Path.cwd()}/data/x.mp4") == "no such file: data/x.mp4"
