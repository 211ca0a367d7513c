"""YouTube's answers through yt-dlp's own extractor: what it raises, and what the ledger makes of it."""

from pathlib import Path

import pytest
import yt_dlp
from yt_dlp.extractor.youtube import YoutubeIE

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.causes import SourceError
from wavbrivl.corpus.ledger import STOPPING, TRANSIENT, Status
from wavbrivl.corpus.sources.finder import find

ID = "abcdefghijk"


def error_screen(reason: str, more: str) -> dict:
    return {
        "playerErrorMessageRenderer": {"reason": {"simpleText": reason}, "subreason": {"simpleText": more}}
    }


def answer(status: str, reason: str, more: str = "", **rest: object) -> dict:
    """A player response that gives no format, as YouTube writes it."""
    state = {"status": status, "reason": reason}
    if more:
        state["errorScreen"] = error_screen(reason, more)
    return {"playabilityStatus": state, "videoDetails": {"videoId": ID, "title": "a video"}} | rest


COUNTRY = "The uploader has not made this video available in your country"
CLOSED = (
    "This video is no longer available because the YouTube account associated with it has been terminated."
)
ANSWERS = {
    "private": (
        answer("LOGIN_REQUIRED", "Private video", "Sign in if you've been granted access to this video"),
        Status.PRIVATE,
    ),
    "removed by the uploader": (
        answer("ERROR", "Video unavailable", "This video has been removed by the uploader"),
        Status.GONE,
    ),
    "removed by YouTube": (
        answer("ERROR", "This video has been removed for violating YouTube's Terms of Service"),
        Status.GONE,
    ),
    "account closed": (answer("ERROR", "Video unavailable", CLOSED), Status.GONE),
    "a claim": (
        answer(
            "ERROR", "Video unavailable", "This video is no longer available due to a copyright claim by X"
        ),
        Status.GONE,
    ),
    "nothing said": (answer("ERROR", "Video unavailable"), Status.GONE),
    "age": (
        answer(
            "LOGIN_REQUIRED", "Sign in to confirm your age", "This video may be inappropriate for some users."
        ),
        Status.AGE_RESTRICTED,
    ),
    "region": (answer("UNPLAYABLE", "Video unavailable", COUNTRY), Status.REGION_BLOCKED),
    "region by a claim": (
        answer(
            "UNPLAYABLE",
            "Video unavailable",
            "This video contains content from X, who has blocked it in your country on copyright grounds",
        ),
        Status.REGION_BLOCKED,
    ),
    "a bot, it says": (answer("LOGIN_REQUIRED", "Sign in to confirm you’re not a bot"), Status.BLOCKED),
    "a captcha": (
        {
            "playabilityStatus": {
                "status": "UNPLAYABLE",
                "reason": "Video unavailable",
                "errorScreen": {"playerCaptchaViewModel": {"x": 1}},
            }
        },
        Status.BLOCKED,
    ),
    "too fast": (
        answer("UNPLAYABLE", "This content isn't available, try again later."),
        Status.RATE_LIMITED,
    ),
    "premiere": (answer("LIVE_STREAM_OFFLINE", "Premieres in 3 hours"), Status.NOT_YET),
    "live, to come": (answer("LIVE_STREAM_OFFLINE", "This live event will begin in 2 days."), Status.NOT_YET),
    "not processed": (
        answer("UNPLAYABLE", "We're processing this video. Check back later."),
        Status.NOT_YET,
    ),
    "members only": (
        answer(
            "UNPLAYABLE",
            "Join this channel to get access to members-only content like this video, and other perks.",
        ),
        Status.MEMBERS_ONLY,
    ),
    "members of a level": (
        answer(
            "UNPLAYABLE",
            "This video is available to this channel's members on level: X (or any higher level).",
        ),
        Status.MEMBERS_ONLY,
    ),
    "drm": (
        answer("OK", "", streamingData={"licenseInfos": [{"drmFamily": "WIDEVINE"}]}),
        Status.UNSUPPORTED,
    ),
    "a page out of date": (answer("UNPLAYABLE", "The page needs to be reloaded."), Status.SERVER_ERROR),
    "no formats for us": (answer("OK", ""), Status.FORBIDDEN),
}


def asked(monkeypatch: pytest.MonkeyPatch, folder: Path, response: dict) -> SourceError:
    """What comes of a player response; nothing is asked of any host."""

    def initial(*_: object) -> tuple:
        return "", {}, {}, False, [response], None

    monkeypatch.setattr(YoutubeIE, "_initial_extract", initial)
    monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", lambda *_: pytest.fail("a request was sent"))
    request = {
        "kind": "youtube", "address": f"https://www.youtube.com/watch?v={ID}", "folder": str(folder),
        "cookies": None, "proxy": None, "sections": True, "fetch": FetchConfig().model_dump(mode="json"),
    }  # fmt: skip
    with pytest.raises(SourceError) as caught:
        find(request)
    return caught.value


@pytest.mark.parametrize("name", ANSWERS)
def test_what_the_extractor_raises(monkeypatch, tmp_path, name):
    response, status = ANSWERS[name]
    error = asked(monkeypatch, tmp_path, response)
    assert error.status == status, error.cause
    said = response["playabilityStatus"]["reason"].rstrip(".")
    assert said.replace("Video unavailable", "")[:40] in error.cause, "in its own words"


def test_what_says_nothing_about_the_clip_is_never_recorded_for_good():
    """A blocked address, a missing JavaScript runtime and a hiccup must not cost a clip for ever."""
    passing = {"a bot, it says", "a captcha", "too fast", "a page out of date", "no formats for us"}
    assert {name for name, (_, s) in ANSWERS.items() if s in STOPPING | TRANSIENT} == passing
