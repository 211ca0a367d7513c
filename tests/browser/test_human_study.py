"""The human study in a real browser: answered from the keyboard, reloaded, exported, read into Table 4."""

import csv
import functools
import http.server
import json
import threading

import pytest

from tests.drawn_samples import LABELS, drawings, tone
from wavbrivl.publish.table4 import write_table4
from wavbrivl.studies.human.answers import read_key, read_votes
from wavbrivl.studies.human.page import write_study
from wavbrivl.studies.human.pairs import choose_questions
from wavbrivl.studies.human.results import by_system, human_result

CONTACT = "Send it to </p><script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>"
HOSTILE = (*LABELS[:2], "</script><script>window.pwned = 3</script>", "<img src=x onerror=window.pwned=4>")
TESTS, PER_SYSTEM = 3, 2


class Study:
    """A study on disk with its key and its questions in the order of the page."""

    def __init__(self, folder) -> None:
        self.folder = folder / "human_study"
        self.key = folder / "key.json"
        systems = {"dalle": drawings(16, labels=HOSTILE), "diffusion": drawings(16, 2, HOSTILE)}
        self.questions = choose_questions(systems, TESTS, PER_SYSTEM, seed=5)
        write_study(self.folder, self.key, self.questions, systems, tone, CONTACT, seed=5)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return Study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def page(chromium, study):
    """The page from disk, in a browser that has not seen it."""
    chromium.get(f"file://{study.folder}/index.html")
    chromium.execute_script("localStorage.clear()")
    chromium.refresh()
    chromium.get_log("browser")
    return chromium


def press(window, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(window).send_keys(*keys).perform()


def waited(window, script: str):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(window, 10, 0.02).until(lambda w: w.execute_script(f"return {script}"))


def text(window, element: str) -> str:
    return window.execute_script("return document.getElementById(arguments[0]).textContent", element)


def answer(window, key: str) -> None:
    """Play, choose and go on, with the keyboard alone."""
    press(window, "p")
    waited(window, "heard && plays > 0")
    press(window, key)
    before = window.execute_script("return shown")
    press(window, Keys().ENTER)
    waited(window, f"shown !== {before} || !document.getElementById('finished').hidden")


def Keys():  # noqa: N802 - selenium's own name, imported only where there is selenium
    from selenium.webdriver.common.keys import Keys as KeyNames

    return KeyNames


def start(window) -> None:
    """Reach the button with Tab and press it."""
    press(window, Keys().TAB)
    assert window.execute_script("return document.activeElement.id") == "start"
    press(window, Keys().ENTER)
    waited(window, "!document.getElementById('asking').hidden")


def test_answers_survive_a_reload_and_become_table_4(page, study, downloads, tmp_path):
    keys = {"left": "1", "right": "2", "neither": "3"}
    wanted = {}
    start(page)
    for number, question in enumerate(study.questions):
        if number == 5:
            page.refresh()
            # The page reads what was kept before it asks again; the driver may come back earlier.
            waited(page, "document.getElementById('place').textContent !== ''")
            assert f"question 6 of {len(study.questions)}" in text(page, "place")
            assert page.execute_script("return document.getElementById('progress').value") == 5
        # dalle always positive but for one neither; diffusion always the other side
        side = question.own_side
        other = "right" if side == "left" else "left"
        wanted[question.name] = "neither" if number == 3 else side if question.system == "dalle" else other
        answer(page, keys[wanted[question.name]])
    page.find_element("id", "export").click()
    exported = waited_file(downloads)
    votes = read_votes([exported], *read_key(study.key))
    assert {vote.question.name: vote.choice for vote in votes} == wanted
    assert all(one["plays"] >= 1 for one in json.loads(exported.read_text())["answers"])
    result = human_result(votes, read_key(study.key)[1], "s", "test", 5)
    neither = study.questions[3].system
    expected = {"dalle": 5 / 6 if neither == "dalle" else 1.0, "diffusion": 0.0}
    assert {name: result.metrics[f"positive_{name}"].value for name in expected} == pytest.approx(expected)
    write_table4(tmp_path / "table4.csv", tmp_path / "table4.md", by_system(votes))
    rows = list(csv.DictReader((tmp_path / "table4.csv").open(encoding="utf-8")))
    row = next(r for r in rows if (r["system"], r["outcome"]) == ("WavBriVL, DALL·E", "positive"))
    assert float(row["share"]) == pytest.approx(expected["dalle"], abs=1e-3)
    assert (row["n"], row["raters"], row["tests"]) == ("6", "1", "3")
    assert row["published"] == "75 - 83%"
    assert not page.get_log("browser")


def waited_file(folder):
    import time

    for _ in range(500):
        found = list(folder.glob("answers-*.json"))
        if found:
            return found[0]
        time.sleep(0.02)
    raise AssertionError(f"nothing was saved in {folder}")


def test_nothing_in_the_data_becomes_markup_or_script(page, study):
    assert page.execute_script("return window.pwned") is None
    assert page.execute_script("return document.scripts.length") == 2
    assert page.execute_script("return document.querySelector('.contact').textContent") == CONTACT
    source = (study.folder / "index.html").read_text(encoding="utf-8")
    assert not any(word in source for word in ("pwned = 3", "onerror=window", "dalle", "bell", "video0"))
    refused = page.execute_async_script(
        "const done = arguments[0]; fetch('https://example.org/').then(() => done('sent'), () => done('no'))"
    )
    assert refused == "no"
    injected = page.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.pwned = 9';"
        "document.body.append(s); return window.pwned"
    )
    assert injected is None
    assert any("Content Security Policy" in entry["message"] for entry in page.get_log("browser"))


def test_a_choice_needs_a_sound_that_was_played(page):
    start(page)
    press(page, "1", Keys().ENTER)
    assert "play the sound" in text(page, "hint")
    assert page.execute_script("return document.activeElement.id") == "play"
    press(page, "p")
    waited(page, "heard")
    page.execute_script("document.querySelector('input:checked').checked = false")
    page.find_element("id", "next").click()
    assert "choose" in text(page, "hint")
    assert page.execute_script("return shown") == 0


def test_back_changes_an_answer_and_keeps_the_others(page, study):
    start(page)
    for key in "123":
        answer(page, key)
    page.find_element("id", "back").click()
    assert page.execute_script("return document.querySelector('input:checked').value") == "neither"
    press(page, "2", Keys().ENTER)
    kept = page.execute_script("return JSON.parse(localStorage.getItem(key)).answers")
    names = [question.name for question in study.questions[:3]]
    assert [kept[name]["choice"] for name in names] == ["left", "right", "right"]


def test_a_screen_reader_is_told_what_everything_is(page):
    start(page)
    nodes = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    said = {}
    for node in nodes:
        if not node.get("ignored"):
            name = node.get("name", {}).get("value", "")
            said.setdefault(node["role"]["value"], []).append(name.strip())
    assert said["radio"] == ["Picture A", "Picture B", "Neither fits"]
    assert said["group"] == ["Which picture was drawn from this sound?"]
    assert {"Play the sound", "Back", "Next"} <= set(said["button"])
    assert said["progressbar"] == ["Questions answered"]
    assert said["heading"] == ["Question 1: listen, then choose"]
    assert page.execute_script("return document.activeElement.id") == "heading"


@pytest.mark.parametrize(("width", "height"), [(360, 640), (1280, 800)])
def test_it_fits_a_phone_and_a_screen_when_it_is_served(chromium, study, width, height):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_) -> None: ...

    handler = functools.partial(Quiet, directory=str(study.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        try:
            chromium.get(f"http://127.0.0.1:{server.server_port}/index.html")
            chromium.find_element("id", "start").click()
            waited(chromium, "document.getElementById('left').naturalWidth > 0")
            chromium.find_element("id", "play").click()
            waited(chromium, "heard && document.getElementById('audio').duration > 0.4")
            assert chromium.execute_script("return document.scrollingElement.scrollWidth <= innerWidth")
            boxes = chromium.execute_script(
                "return ['play', 'left', 'right', 'next'].map((id) => {"
                "const box = document.getElementById(id).getBoundingClientRect();"
                "return [box.left, box.right, box.bottom, box.width, box.height]})"
            )
            assert all(left >= 0 and right <= width for left, right, *_ in boxes)
            assert all(bottom <= height for _, _, bottom, *_ in boxes), "Next is below the fold"
            assert all(min(box[3:]) >= 44 for box in boxes), "too small for a finger"
        finally:
            chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            chromium.get("about:blank")
            server.shutdown()
