"""Guided drawing with DALL·E: what is accepted, what primes, what it depends on."""

import numpy as np
import pytest
import torch
from tests.generate_samples import DALLE, make_teacher, vectors

from wavbrivl.config.generation import DalleDrawConfig
from wavbrivl.generate.conditions import plain_conditions
from wavbrivl.generate.dalle import Dalle, tokenizer_of
from wavbrivl.generate.dvae import Dvae
from wavbrivl.generate.guide import Guide, to_uint8
from wavbrivl.generate.mapping import Mapping, identity
from wavbrivl.generate.transformer import Transformer
from wavbrivl.teacher.text import build_vocabulary

ITEMS = ["a", "b", "c", "d", "e"]


@pytest.fixture(scope="module")
def parts():
    teacher = make_teacher()
    torch.manual_seed(1)
    dvae = Dvae(DALLE.dvae).eval()
    tokenizer = tokenizer_of(build_vocabulary(["皮球箱子屋顶"]), DALLE.transformer)
    network = Transformer(DALLE.transformer, 16, len(tokenizer), DALLE.dvae.codes, 4).eval()
    for parameter in network.parameters():
        parameter.data.mul_(2)
    return dvae, network, tokenizer, Guide(teacher)


def dalle(parts, mappings=None, **changes) -> Dalle:
    config = DalleDrawConfig(**{**DALLE.draw.model_dump(), **changes})
    return Dalle(*parts, mappings or {}, config)


def audio(count: int = 5):
    conditions = plain_conditions("audio", ITEMS[:count], ["x"] * count, vectors(5)[:count])
    return conditions


def test_the_same_seed_draws_the_same_and_another_draws_another(parts):
    first, trace = dalle(parts).draw(audio(), 4)
    second, _ = dalle(parts).draw(audio(), 4)
    other, _ = dalle(parts).draw(audio(), 5)
    assert np.array_equal(first.images, second.images) and not np.array_equal(first.images, other.images)
    assert first.side == dalle(parts).side == 16
    assert [item["item"] for item in trace["items"]] == ITEMS and trace["settings"]["rounds"] == 3


def test_a_picture_does_not_depend_on_the_other_items(parts):
    whole, _ = dalle(parts).draw(audio(), 4)
    small, _ = dalle(parts, batch_size=3).draw(audio(), 4)
    alone, _ = dalle(parts).draw(audio().take([3]), 4)
    assert np.array_equal(whole.images, small.images)
    assert np.array_equal(whole.images[3], alone.images[0])


def test_acceptance_never_lowers_the_score_and_is_told_truly(parts):
    drawings, trace = dalle(parts).draw(audio(), 4)
    guide = parts[3]
    rounds = np.stack([guide.scores(images, vectors(5)) for images in drawings.rounds])
    assert drawings.rounds.shape == (3, 5, 16, 16, 3) and np.array_equal(drawings.rounds[-1], drawings.images)
    assert (np.diff(rounds, axis=0) >= 0).all()
    np.testing.assert_allclose([row.score for row in drawings.rows], rounds[-1], atol=1e-6)
    accepted = 0
    for place, item in enumerate(trace["items"]):
        best = -np.inf
        for number, entry in enumerate(item["rounds"]):
            assert len(entry["scores"]) == 3
            assert entry["accepted"] == (max(entry["scores"]) > best)
            accepted += entry["accepted"] and number > 0
            best = max(best, *entry["scores"])
            assert entry["best"] == pytest.approx(best) == pytest.approx(rounds[number, place], abs=1e-5)
    assert accepted  # else nothing was shown


def test_the_best_picture_primes_the_next_round(parts, monkeypatch):
    drawer = dalle(parts)
    seen = []
    draw = drawer.transformer.draw

    def noted(start, uniform, sampling, primed=None, use_cache=True):
        tokens = draw(start, uniform, sampling, primed)
        seen.append((primed, tokens))
        return tokens

    monkeypatch.setattr(drawer.transformer, "draw", noted)
    drawings, _ = drawer.draw(audio(), 4)
    assert seen[0][0] is None
    for number in (1, 2):
        primed, tokens = seen[number]
        assert primed.shape == (15, 8) and torch.equal(tokens[:, :8], primed)
        candidates = [seen[r][1][3 * i : 3 * i + 3] for r in range(number) for i in range(5)]
        for i in range(5):  # what primes is the start of the picture that stood after the last round
            pictures = to_uint8(drawer.dvae.decode(torch.cat(candidates[i::5])))
            stood = (pictures == drawings.rounds[number - 1][i]).all(axis=(1, 2, 3))
            assert stood.any()
            starts = torch.cat(candidates[i::5])[torch.from_numpy(stood), :8]
            assert (starts == primed[3 * i]).all(dim=1).any()


def test_best_of_draws_as_many_candidates_at_once(parts):
    drawings, trace = dalle(parts, selection="best_of").draw(audio(), 4)
    assert drawings.rounds.shape[0] == 1
    assert all(len(item["rounds"]) == 1 and len(item["rounds"][0]["scores"]) == 9 for item in trace["items"])
    guided, _ = dalle(parts).draw(audio(), 4)  # its first round is the first three of them
    assert all(a.score >= b for a, b in zip(drawings.rows, _first_round(parts, guided), strict=True))


def _first_round(parts, guided):
    return parts[3].scores(guided.rounds[0], vectors(5)) - 1e-6


def test_a_random_candidate_is_not_chosen_by_the_guide(parts):
    heard, _ = dalle(parts, selection="random").draw(audio(), 4)
    flipped = plain_conditions("audio", ITEMS, ["x"] * 5, vectors(5))
    other = Dalle(*parts[:3], Guide(make_teacher(99)), {}, dalle(parts, selection="random").config)
    assert np.array_equal(heard.images, other.draw(flipped, 4)[0].images)


def test_without_a_condition_nothing_is_heard(parts):
    one = plain_conditions("unconditional", ITEMS, ["x"] * 5, vectors(5, seed=1))
    two = plain_conditions("unconditional", ITEMS, ["x"] * 5, None)
    first, _ = dalle(parts, selection="random", guidance=3.0).draw(one, 4)
    second, _ = dalle(parts, selection="random", guidance=3.0).draw(two, 4)
    assert np.array_equal(first.images, second.images)
    assert first.rows[0].score is not None and second.rows[0].score is None and first.rows[0].source == ""


def test_prefix_text_and_mapping_change_what_is_drawn(parts):
    conditions = audio()
    object.__setattr__(conditions, "texts", ["皮球", "箱子", "屋顶", "皮球", "箱子"])
    random = {"selection": "random", "temperature": 1.0}
    drawn = {
        "prefix": dalle(parts, **random),
        "nothing": dalle(parts, **random, prefix=False),
        "text": dalle(parts, **random, prefix=False, text=True),
        "mapped": dalle(parts, {"audio": Mapping(-np.eye(16, dtype=np.float32), np.zeros(16))}, **random),
    }
    images = {name: drawer.draw(conditions, 4)[0].images for name, drawer in drawn.items()}
    names = list(images)
    for i, first in enumerate(names):
        assert all(not np.array_equal(images[first], images[second]) for second in names[i + 1 :])
    off = dalle(
        parts, {"audio": Mapping(-np.eye(16, dtype=np.float32), np.zeros(16))}, mapping=False, **random
    )
    same = dalle(parts, {"audio": identity(16)}, **random)
    assert np.array_equal(off.draw(conditions, 4)[0].images, images["prefix"])
    assert np.array_equal(same.draw(conditions, 4)[0].images, images["prefix"])
    assert drawn["text"].draw(conditions, 4)[1]["items"][1]["prompt"] == "箱子"
