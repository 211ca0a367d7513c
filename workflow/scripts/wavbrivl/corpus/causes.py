"""From what yt-dlp, HTTP and ffmpeg really say to a status of the closed list."""

import errno
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

from wavbrivl.corpus.ledger import Status, one_line


class SourceError(Exception):
    """A source did not give a video: why, in a status and in its own words.

    Attributes:
        retry_after: seconds that the host asked to wait, where it said so.
    """

    def __init__(self, status: Status, cause: str, retry_after: float | None = None) -> None:
        self.status = status
        self.cause = one_line(cause)
        self.retry_after = retry_after
        super().__init__(self.cause)


# Order matters: "sign in to confirm your age" is not "sign in to confirm you're not a bot".
_SAYINGS: tuple[tuple[Status, tuple[str, ...]], ...] = (
    (Status.AGE_RESTRICTED, ("confirm your age", "age.restricted", "inappropriate for some users")),
    (Status.RATE_LIMITED, ("rate.?limited", "too many requests", r"\b429\b", "try again later")),
    (Status.BLOCKED, ("not a bot", "unusual traffic", "captcha", r"\bip .{0,40}(blocked|banned)")),
    (Status.MEMBERS_ONLY, ("members.only", "join this channel", "this channel's members", "premium members")),
    (Status.PRIVATE, ("private video", "video is private", "granted access")),
    (Status.NOT_YET, ("premieres? (in|will)", "will begin (in|shortly)", "not (yet )?started")),
    (Status.NOT_YET, ("processing this video",)),
    (Status.REGION_BLOCKED, ("(in|from) your (country|location|region)", "geo.?restrict")),
    (Status.OFFLINE, ("name resolution", "service not known", "nodename nor", "network is unreachable")),
    (Status.OFFLINE, ("no route to host",)),
    (Status.DISK_FULL, ("no space left", "disk quota")),
    (Status.NOT_FOUND, (r"\b404\b", "no such file", "does not exist")),
    (Status.GONE, (r"\b410\b", "removed", "terminated", "no longer available", "copyright")),
    (Status.GONE, ("video unavailable", "has been deleted")),
    (Status.FORBIDDEN, (r"\b403\b", "forbidden", r"\b401\b", "unauthorized")),
    (Status.TIMEOUT, ("timed? ?out", "too slow")),
    (
        Status.SERVER_ERROR,
        (r"(error|http) 5\d\d", r"\b5(\d\d|xx)\b.{0,30}(error|unavailable|gateway|server)"),
    ),
    (Status.UNSUPPORTED, ("redirect loop", "too many redirects")),
    (Status.NETWORK, ("connection", "reset by peer", "incomplete ?read", "broken pipe", "more expected")),
    (
        Status.NETWORK,
        ("content too short", "bytes read", "premature", "end of file", "remote end closed", "ssl"),
    ),
    # Every format will do, so that none is given is a matter between us and the host: no JavaScript runtime,
    # no token. Five videos in a row stop the job.
    (
        Status.FORBIDDEN,
        ("requested format is not available", "no video formats", "only images are available"),
    ),
    (Status.SERVER_ERROR, ("page needs to be reloaded",)),
    (Status.UNSUPPORTED, ("unsupported url", "drm", "is not a valid url", "no suitable (extractor|format)")),
)
_PATTERNS = [(status, re.compile("|".join(said), re.IGNORECASE)) for status, said in _SAYINGS]
_HTTP = {
    401: Status.FORBIDDEN,
    403: Status.FORBIDDEN,
    404: Status.NOT_FOUND,
    410: Status.GONE,
    429: Status.RATE_LIMITED,
    451: Status.REGION_BLOCKED,
}
_NUMBERS = {
    errno.ENOSPC: Status.DISK_FULL,
    errno.EDQUOT: Status.DISK_FULL,
    errno.ENOENT: Status.NOT_FOUND,
    errno.ENETUNREACH: Status.OFFLINE,
    errno.EHOSTUNREACH: Status.OFFLINE,
}


def status_of_text(text: str) -> Status:
    """The status that a message stands for; what nobody knows is `unsupported`, never `gone`."""
    return next((status for status, pattern in _PATTERNS if pattern.search(text)), Status.UNSUPPORTED)


def source_error(error: BaseException) -> SourceError:
    """Classify an exception of yt-dlp, looking through its chain for the HTTP status or error number."""
    text = re.sub(r"^ERROR: ", "", str(error))
    for link in _chain(error):
        code = getattr(link, "status", None)
        if isinstance(code, int) and code >= 400:
            return http_error(code, text, getattr(getattr(link, "response", None), "headers", None))
        if isinstance(link, OSError) and link.errno in _NUMBERS:
            return SourceError(_NUMBERS[link.errno], text)
        if isinstance(link, TimeoutError):
            return SourceError(Status.TIMEOUT, text)
    return SourceError(status_of_text(text), text)


def http_error(code: int, text: str, headers: Mapping[str, str] | None) -> SourceError:
    """What a status of 400 or more stands for."""
    status = _HTTP.get(code, Status.SERVER_ERROR if code >= 500 else status_of_text(text))
    return SourceError(status, text, _retry_after(headers or {}))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and everything that it came from, as Python and as yt-dlp keep it."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        kept = [getattr(link, "cause", None), link.__cause__, link.__context__, getattr(link, "reason", None)]
        kept += list(getattr(link, "exc_info", None) or ())
        waiting += [item for item in kept if isinstance(item, BaseException)]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: as a number, or until a date (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After") or ""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(1.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
