"""Questions, answer files and agreement of the human study; the page itself is tested in a browser."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from tests.drawn_samples import drawings, tone

from wavbrivl.errors import UserError
from wavbrivl.publish.table4 import write_table4
from wavbrivl.studies.human.agreement import krippendorff_alpha, wilson
from wavbrivl.studies.human.answers import read_key, read_votes
from wavbrivl.studies.human.page import write_study
from wavbrivl.studies.human.pairs import choose_questions, study_name
from wavbrivl.studies.human.results import by_system, human_result

SYSTEMS = {"dalle": drawings(24), "diffusion": drawings(24, repeats=2)}


def questions(seed=1, tests=3, per_system=4):
    return choose_questions(SYSTEMS, tests, per_system, seed)


def test_every_question_pairs_the_sound_with_a_drawing_of_another_class():
    found = questions()
    assert len(found) == 3 * 4 * 2
    for question in found:
        rows = SYSTEMS[question.system].rows
        assert rows[question.own].item == question.item
        assert rows[question.own].label == question.label
        assert rows[question.foil].label == question.foil_label != question.label


def test_tests_share_no_sound_and_systems_share_them_all():
    heard: dict[tuple[int, str], set[str]] = {}
    for question in questions():
        heard.setdefault((question.test, question.system), set()).add(question.item)
    for test in (1, 2, 3):
        assert heard[test, "dalle"] == heard[test, "diffusion"] and len(heard[test, "dalle"]) == 4
        assert len({q.label for q in questions() if q.test == test}) == 4
    assert not heard[1, "dalle"] & heard[2, "dalle"] and not heard[2, "dalle"] & heard[3, "dalle"]


def test_sides_are_balanced_and_the_seed_decides():
    for seed in range(20):
        for test in (1, 2, 3):
            sides = Counter(q.own_side for q in questions(seed) if q.test == test)
            assert sides == {"left": 4, "right": 4}
    assert questions(1) == questions(1) != questions(2)


def test_too_few_sounds_or_none_at_all_are_refused():
    with pytest.raises(UserError, match="no system has drawn 4 sounds"):
        choose_questions({}, 3, 4, 1)
    with pytest.raises(UserError, match="no system has drawn 9 sounds"):
        choose_questions({"dalle": drawings(8)}, 1, 9, 1)
    with pytest.raises(UserError, match="two classes"):
        choose_questions({"dalle": drawings(8, labels=("one",))}, 1, 4, 1)


def test_a_system_that_drew_too_little_is_left_out():
    found = choose_questions(SYSTEMS | {"latent": drawings(3)}, 3, 4, 1)
    assert {question.system for question in found} == {"dalle", "diffusion"}


def test_other_pictures_make_another_study():
    found = questions()
    images = {name: one.images for name, one in SYSTEMS.items()}
    changed = images | {"dalle": images["dalle"] // 2}
    assert study_name(found, images) == study_name(found, images) != study_name(found, changed)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    write_study(folder / "page", folder / "key.json", questions(), SYSTEMS, tone, "", 1)
    return folder


def answers(written, rater: int, wrong: int = 0, **changes) -> dict:
    """A file in which all but the first `wrong` answers are positive."""
    study, asked = read_key(written / "key.json")
    given_answers = []
    for i, question in enumerate(asked.values()):
        other = "right" if question.own_side == "left" else "left"
        choice = other if i < wrong else question.own_side
        given_answers.append({"question": question.name, "choice": choice, "seconds": 2.5, "plays": 1})
    file = {"format": 1, "study": study, "rater": f"{rater:032x}", "started": "a", "saved": "b"}
    return file | {"answers": given_answers} | changes


def read(written, tmp_path, *files):
    paths = []
    for i, file in enumerate(files):
        paths.append(tmp_path / f"answers-{i}.json")
        paths[-1].write_text(file if isinstance(file, str) else json.dumps(file), encoding="utf-8")
    return read_votes(paths, *read_key(written / "key.json"))


def test_the_key_and_a_second_writing_are_the_same(written, tmp_path):
    write_study(tmp_path / "page", tmp_path / "key.json", questions(), SYSTEMS, tone, "", 1)
    for path in sorted(p for p in written.rglob("*") if p.is_file()):
        assert (tmp_path / path.relative_to(written)).read_bytes() == path.read_bytes()
    assert list(read_key(tmp_path / "key.json")[1].values()) == questions()


def test_votes_become_ranges_shares_and_agreement(written, tmp_path):
    votes = read(written, tmp_path, answers(written, 1), answers(written, 2, wrong=8))
    dalle, diffusion = by_system(votes)
    assert (dalle.n, dalle.raters, len(dalle.tests)) == (24, 2, 3)
    assert dalle.counts["negative"] + diffusion.counts["negative"] == 8
    # The eight wrong ones are the whole first test of the second rater.
    assert dalle.range_of("positive") == (0.5, 1.0) and diffusion.range_of("positive") == (0.5, 1.0)
    result = human_result(votes, read_key(written / "key.json")[1], "s", "d", 1)
    assert result.metrics["positive_dalle"].value == pytest.approx(20 / 24)
    assert result.coverage.expected == 48 and result.n == 48
    write_table4(tmp_path / "t.csv", tmp_path / "t.md", [dalle, diffusion])
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "50 – 100 %; all 83 % [64, 93]" in text and "75 - 83%" in text
    assert "WavBriVL, latent optimisation: not measured: there are no answer files" in text


def test_an_answer_file_may_be_incomplete(written, tmp_path):
    half = answers(written, 1)
    half["answers"] = half["answers"][:10]
    votes = read(written, tmp_path, half)
    result = human_result(votes, read_key(written / "key.json")[1], "s", "d", 1)
    assert result.n == 10 and result.coverage.missing == {"unanswered": 14}


def without(file: dict, key: str) -> dict:
    return {name: value for name, value in file.items() if name != key}


def one_answer(file: dict, **changes) -> dict:
    return file | {"answers": [file["answers"][0] | changes]}


BROKEN = {
    "not JSON": (lambda f: "{", "not an answer file"),
    "not a mapping": (lambda f: [], "not an answer file"),
    "a key too few": (lambda f: without(f, "rater"), "rater: Field required"),
    "a key too many": (lambda f: f | {"name": "x"}, "name: Extra inputs"),
    "another study": (lambda f: f | {"study": "x" * 99}, "it answers the study"),
    "no answers": (lambda f: f | {"answers": []}, "answers: List should have at least 1"),
    "an unknown question": (lambda f: one_answer(f, question="q999"), "no question q999"),
    "a doubled question": (lambda f: f | {"answers": f["answers"] * 2}, "q001 is answered twice"),
    "an unknown choice": (lambda f: one_answer(f, choice="both"), "answers.0.choice"),
    "a negative time": (lambda f: one_answer(f, seconds=-1), "answers.0.seconds"),
    "too large": (lambda f: " " * 1_000_001, "larger than"),
    "deeply nested": (lambda f: "[" * 100_000, "not an answer file"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_malformed_file_is_refused_by_name(written, tmp_path, broken):
    change, said = BROKEN[broken]
    with pytest.raises(UserError, match="answer files are refused") as refused:
        read(written, tmp_path, answers(written, 1), change(answers(written, 2)))
    assert "answers-1.json" in str(refused.value) and said in str(refused.value)
    assert "answers-0.json" not in str(refused.value)


def test_a_doubled_file_is_refused_beside_its_first(written, tmp_path):
    with pytest.raises(UserError, match=r"answers-2.json: the same rater as in answers-0.json"):
        read(written, tmp_path, answers(written, 1), answers(written, 2), answers(written, 1, wrong=1))


def test_without_answers_table_4_says_so(tmp_path):
    write_table4(tmp_path / "t.csv", tmp_path / "t.md", [], {"wav2clip": "Wav2CLIP: not drawn"})
    assert "There are no answer files" in (tmp_path / "t.md").read_text(encoding="utf-8")
    rows = (tmp_path / "t.csv").read_text(encoding="utf-8")
    assert rows.count("not measured: there are no answer files") == 9 and "75 - 83%" in rows


def test_alpha_is_krippendorffs_published_examples():
    """Four observers and twelve units: 0.743; three coders and fifteen units: 0.691 (nominal)."""
    four = [
        "123321412...",
        "1233224125.3",
        ".3332342251.",
        "12332441251.",
    ]
    three = [
        ".....34121133.3",
        "1.213343.......",
        "..21344.21133.4",
    ]
    for observers, expected in ((four, 0.743), (three, 0.691)):
        units = [[answer for answer in unit if answer != "."] for unit in zip(*observers, strict=True)]
        assert krippendorff_alpha(units) == pytest.approx(expected, abs=5e-4)


def test_alpha_says_nothing_where_nothing_can_be_said():
    assert krippendorff_alpha([["a"], ["b"]]) is None
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) is None
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.floats(0, 1))
def test_wilson_is_scipys(n, share):
    hits = round(share * n)
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-9)
