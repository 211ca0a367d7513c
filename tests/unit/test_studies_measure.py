"""Judged sets of drawings: scores, matches within classes, comparisons, rounds, swaps, volume, tables."""

import csv

import numpy as np
import pytest
from tests.drawn_samples import LABELS, clips, drawings, picture

from wavbrivl.errors import UserError
from wavbrivl.evaluate.intervals import value_of
from wavbrivl.evaluate.items import read_items, write_items
from wavbrivl.evaluate.result import Coverage, read_result, write_result
from wavbrivl.generate.conditions import Conditions
from wavbrivl.generate.drawings import Drawings, Drawn
from wavbrivl.publish import study_figures
from wavbrivl.publish.table3 import columns_of, rows_of, write_table3
from wavbrivl.studies.extraction import Extracted
from wavbrivl.studies.folders import chosen_clips
from wavbrivl.studies.frames import Frames
from wavbrivl.studies.hidden import difference_of, within_class_correlation
from wavbrivl.studies.judgement import Judgement
from wavbrivl.studies.measure import Bench, judge_all, measure_drawings, measure_real
from wavbrivl.studies.networks import VGGSOUND
from wavbrivl.studies.rating import compare_drawings, item_of, numbered, rate, video_of
from wavbrivl.studies.rounds import as_json, courses_of, guide_scores
from wavbrivl.studies.sets import measured, task_of
from wavbrivl.studies.swap import swap_result
from wavbrivl.studies.volume import by_gain, changes, cosines, gain_of, volume_result


class CornerJudge:
    """Knows the class by the brightest corner, and reads the picture's brightness as every parameter."""

    name = "corner"
    labels = LABELS

    def judge(self, images: np.ndarray) -> Judgement:
        corners = corners_of(images)
        share = corners / corners.sum(axis=1, keepdims=True)
        bright = images.mean(axis=(1, 2, 3)) / 255
        return Judgement(share, np.stack([bright] * 3, axis=1))


class CornerFeatures:
    """The corners' brightness as features and as logits."""

    def __init__(self, name: str = "embedded") -> None:
        self.name = name

    def extract(self, images: np.ndarray) -> Extracted:
        return Extracted(corners_of(images), corners_of(images))


def corners_of(images: np.ndarray) -> np.ndarray:
    half = images.shape[1] // 2
    parts = [images[:, y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    return np.stack([part.mean(axis=(1, 2, 3)) for part in parts], axis=1).astype(np.float64)


def real(count: int, first: int = 5000) -> Frames:
    rows = clips(count)
    images = np.stack([picture(i % 4, first + i) for i in range(count)])
    names, videos = [c.clip_id for c in rows], [c.video_id for c in rows]
    hidden = np.tile(images.mean(axis=(1, 2, 3), dtype=np.float32)[:, None] / 255, (1, 3))
    return Frames(images, names, videos, [c.label for c in rows], hidden)


def bench(count: int = 40, *more: str) -> Bench:
    frames = real(count)
    truth = {name: tuple(row) for name, row in zip(frames.clip_ids, frames.hidden, strict=True)}
    return Bench(
        judge=CornerJudge(),
        extractors=[CornerFeatures(), *(CornerFeatures(name) for name in more)],
        reference=frames,
        truth=truth,
        dataset="test",
        coverage=Coverage(expected=count, found=count),
        splits=1,
        resamples=300,
        seed=1,
    )


def test_correlation_within_classes_sees_nothing_of_the_class():
    random = np.random.default_rng(1)
    labels = [LABELS[i % 4] for i in range(80)]
    offset = np.arange(80) % 4 * 10.0
    noise, truth = random.normal(size=(2, 80))
    of_class_alone = within_class_correlation(offset, truth + offset, labels)
    assert value_of(of_class_alone, 80) == 0
    both = within_class_correlation(truth + offset + 0.1 * noise, truth - offset, labels)
    centred = [x - np.array([x[i % 4 :: 4].mean() for i in range(80)]) for x in (truth + 0.1 * noise, truth)]
    assert value_of(both, 80) == pytest.approx(np.corrcoef(*centred)[0, 1])
    weights = random.integers(0, 3, (5, 80))
    expected = []
    for drawn in weights:
        columns = [np.repeat(values, drawn) for values in (truth + noise, truth, labels)]
        expected.append(value_of(within_class_correlation(*columns), drawn.sum()))
    np.testing.assert_allclose(within_class_correlation(truth + noise, truth, labels)(weights), expected)


def test_a_paired_difference_of_correlations_draws_both_together():
    random = np.random.default_rng(2)
    truth = random.normal(size=60)
    labels, groups = ["a"] * 60, [str(i) for i in range(60)]
    good = within_class_correlation(truth + 0.2 * random.normal(size=60), truth, labels)
    bad = within_class_correlation(random.normal(size=60), truth, labels)
    difference = difference_of(good, bad, groups, 500, 1)
    assert difference.ci95[0] > 0.3 and difference.ci95[0] < difference.value < difference.ci95[1]
    same = difference_of(good, good, groups, 500, 1)
    assert same.value == 0 and same.ci95 == (0, 0)


def test_names_of_drawings_are_unique_and_lead_back():
    assert numbered(["a", "b", "a"]) == ["a#0", "b#0", "a#1"]
    assert item_of("a#b#12") == "a#b" and item_of("plain") == "plain"
    assert video_of("-a_b_10_2010") == "-a_b" and video_of("bell ringing") == "bell ringing"


def test_drawings_are_rated_by_the_class_of_their_place():
    right = rate(drawings(20), CornerJudge(), {})
    assert right.scores["r_at_1"].tolist() == [1] * 20 and "r_at_1_source" not in right.scores
    assert right.scores["r_at_1_gray"].mean() == 1 and list(right.predicted) == list(right.label)
    wrong = drawings(20, right=0.0)
    rows = [Drawn(**{**vars(row), "source_label": LABELS[(i + 1) % 4]}) for i, row in enumerate(wrong.rows)]
    swapped = rate(Drawings(wrong.images, rows), CornerJudge(), {})
    assert swapped.scores["r_at_1"].sum() == 0 and swapped.scores["r_at_1_source"].mean() == 1


def test_a_set_has_scores_distances_and_their_spread():
    result, items = measure_drawings(drawings(40, repeats=2), "dalle", "test", bench())
    assert result.task == "vegas_dalle" and result.n == 80 and len(items.item) == 80
    assert result.metrics["r_at_1"].value == 1 and result.metrics["r_at_1"].chance == 0.25
    assert {"fid", "kid", "inception_score", "r_at_1_gray", "hidden_correlation"} <= set(result.metrics)
    spread = result.settings["spread"]["fid"]
    assert len(spread["values"]) == 2 and spread["deviation"] > 0
    assert result.metrics["fid"].value == pytest.approx(np.mean(spread["values"]))
    assert "spread over 2 drawings" in result.metrics["fid"].reason


def test_worse_drawings_are_further_from_real_frames():
    found = [measure_drawings(drawings(40, right=share), "dalle", "test", bench())[0] for share in (1, 0.3)]
    noise = np.random.default_rng(1).integers(0, 255, (40, 64, 64, 3)).astype(np.uint8)
    found.append(measure_drawings(Drawings(noise, drawings(40).rows), "dalle", "test", bench())[0])
    assert found[0].metrics["r_at_1"].value > found[1].metrics["r_at_1"].value
    assert found[2].metrics["fid"].value > 10 * found[0].metrics["fid"].value
    ceiling = measure_real(real(40, first=9000), bench())[0]
    assert (
        ceiling.metrics["r_at_1"].value == 1
        and ceiling.metrics["fid"].value < found[2].metrics["fid"].value / 10
    )


def test_further_extractors_have_metrics_of_their_own(tmp_path):
    result, _ = measure_drawings(drawings(20), "dalle", "control", bench(20, VGGSOUND))
    assert "fid_vggsound_inception" in result.metrics and result.settings["extractor"] == "embedded"
    write_result(tmp_path / "vegas.json", result)
    assert read_result(tmp_path / "vegas.json") == result


def test_studies_of_texts_gains_and_swaps_are_no_sets_of_table_3():
    assert [name for name in ("test", "control", "text", "volume", "swap", "best_of") if measured(name)] == [
        "test", "control", "best_of",
    ]  # fmt: skip


def guided(rounds: int = 3) -> Drawings:
    """Drawings that get better from round to round."""
    steps = [drawings(40, right=share).images for share in np.linspace(0.3, 1, rounds)]
    final = drawings(40)
    return Drawings(final.images, final.rows, np.stack([*steps[:-1], final.images]))


@pytest.fixture(scope="module")
def judged():
    sets = {
        ("dalle", "test"): guided(),
        ("dalle", "control"): drawings(40, right=0.3),
        ("dalle", "best_of"): drawings(40, right=0.7),
        ("diffusion", "test"): drawings(20),
        ("diffusion", "text"): drawings(4),
    }
    return judge_all(sets, bench())


def test_all_sets_are_judged_and_kept(judged, tmp_path):
    results, items, rounds = judged
    assert [result.task for result in results] == [
        "vegas_dalle", "vegas_dalle_control", "vegas_dalle_best_of", "vegas_diffusion",
    ]  # fmt: skip
    assert set(rounds) == {(f"test_{number}", "dalle") for number in (1, 2, 3)}
    write_items(tmp_path / "items.csv", items)
    again = read_items([tmp_path / "items.csv"])
    assert list(again["text", "diffusion"].item) == list(items["text", "diffusion"].item)


def test_guided_is_compared_with_its_control_on_the_same_items(judged):
    _, items, _ = judged
    tables = {(generator, study): found for (study, generator), found in items.items()}
    found = compare_drawings(tables, [("test", "control"), ("guide_only", "control")], 500, 1)
    assert {(one.generator, one.first, one.second) for one in found} == {("dalle", "test", "control")}
    by_metric = {one.metric: one for one in found}
    assert by_metric["r_at_1"].above and by_metric["r_at_1"].n == 40
    assert not by_metric["hidden_correlation"].above


def test_rounds_are_followed_and_said(judged, tmp_path):
    _, items, rounds = judged
    item = {"rounds": [{"scores": [0.1, 0.3]}, {"scores": [0.2]}, {"scores": [0.5]}]}
    trace = {"drawings": [{"seed": 1, "items": [item] * 30}, {"seed": 2, "items": [item] * 10}]}
    np.testing.assert_allclose(guide_scores(trace).mean(axis=1), [0.3, 0.3, 0.5])
    course = courses_of(items, rounds, {("dalle", "test"): trace}, 500, 1)[0]
    assert course.rises and "rises" in course.says and course.over_best_of.value > 0
    assert course.r_at_1[0] < course.r_at_1[-1] == 1
    still = {key: rounds["test_3", "dalle"] for key in rounds}
    flat = courses_of(items, still, {("dalle", "test"): trace}, 500, 1)
    assert not flat[0].rises and "does not rise beyond its interval" in flat[0].says
    assert as_json([course])["courses"][0]["rises"] is True
    study_figures.rounds_figure(tmp_path / "rounds.png", [course])
    study_figures.rounds_figure(tmp_path / "none.png", [])
    assert (tmp_path / "rounds.png").stat().st_size > 5000


def test_table_3_keeps_measured_and_published_apart(judged, tmp_path):
    results = judged[0]
    everything = {result.task: result for result in [*results, measure_real(real(40, 9000), bench())[0]]}
    rows = rows_of([("dalle", "test"), ("dalle", "control"), ("diffusion", "test"), ("diffusion", "text")])
    assert [row.task for row in rows if row.task] == [
        "vegas_dalle", "vegas_dalle_control", "vegas_diffusion", "vegas_real",
    ]  # fmt: skip
    absent = {VGGSOUND: "not measured: no weights"}
    paths = (tmp_path / "t.csv", tmp_path / "t.md")
    write_table3(*paths, everything, rows, ("embedded",), absent, (), ["a remark"])
    lines = list(csv.DictReader((tmp_path / "t.csv").open(encoding="utf-8")))
    assert not [line for line in lines if line["measured"] and line["published"]]
    published = {(line["row"], line["metric"]): line for line in lines if line["published"]}
    assert published["WavBriVL, as published", "fid"]["published"] == "31.48"
    assert published["WavBriVL, as published", "fid"]["network"] == VGGSOUND
    assert any(line["note"] == absent[VGGSOUND] and line["task"] == "vegas_real" for line in lines)
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "| **WavBriVL, DALL·E** | 100.0 [100.0, 100.0]" in text and "a remark" in text
    assert f"FID, KID and IS on {VGGSOUND}: not measured: no weights" in text


def test_a_published_value_stands_beside_a_measured_one_of_the_same_network_only(tmp_path):
    result, _ = measure_drawings(drawings(20), "dalle", "test", bench(20, VGGSOUND))
    rows = rows_of([("dalle", "test")])
    write_table3(tmp_path / "t.csv", tmp_path / "t.md", {result.task: result}, rows, ("embedded", VGGSOUND))
    lines = list(csv.DictReader((tmp_path / "t.csv").open(encoding="utf-8")))
    beside = {(line["metric"], line["published"]) for line in lines if line["measured"] and line["published"]}
    assert beside == {("fid_vggsound_inception", "31.48"), ("inception_score_vggsound_inception", "5.42")}
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    own = next(line for line in text.splitlines() if line.startswith("| **WavBriVL"))
    assert own.endswith("| – | 31.48 | 5.42 |")
    assert columns_of("clip ViT-B-32", ["embedded"])[0].published == "r_at_1_percent"


def swapped() -> Drawings:
    """Every item shows the class whose sound was heard."""
    rows, images = [], []
    for i, clip in enumerate(clips(40)):
        heard = i + 1 if i % 2 == 0 else i - 1
        images.append(picture(heard % 4, i))
        label = LABELS[heard % 4]
        rows.append(Drawn(clip.clip_id, clip.label, "audio", 1, 0.5, f"s_{heard}_9", label))
    return Drawings(np.stack(images), rows)


def test_swapped_sounds_swap_what_is_drawn(tmp_path):
    drawn = swapped()
    items = rate(drawn, CornerJudge(), {})
    result = swap_result({"dalle": items}, "corner", 4, "test", Coverage(expected=40, found=40), 300, 1)
    assert result.metrics["heard_class_dalle"].value == 1 and result.metrics["silent_class_dalle"].value == 0
    assert result.metrics["difference_dalle"].ci95[0] > 0
    study_figures.swap_figure(tmp_path / "swap.png", {"dalle": drawings(40)}, {"dalle": drawn}, result)
    assert (tmp_path / "swap.png").stat().st_size > 5000


GAINS = (-20.0, 0.0, 10.0)


def louder(items: int = 5, skip: int = 0) -> Drawings:
    rows, images = [], []
    for i, clip in enumerate(clips(items)):
        for gain in GAINS:
            score, variant = 0.5 + gain / 100, f"gain={gain:g}"
            rows.append(Drawn(clip.clip_id, clip.label, "audio", 1, score, variant=variant))
            images.append(np.clip(picture(i % 4, i).astype(int) + int(gain), 0, 255).astype(np.uint8))
    keep = len(rows) - skip
    return Drawings(np.stack(images)[:keep], rows[:keep])


def conditions(drawn: Drawings) -> Conditions:
    names = [row.item for row in drawn.rows]
    turn = np.array([gain_of(row.variant) for row in drawn.rows]) / 100
    vectors = np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)
    labels, variants = [row.label for row in drawn.rows], [row.variant for row in drawn.rows]
    return Conditions("audio", names, labels, names, names, labels, variants, [""] * len(names), vectors)


def test_volume_measures_what_gain_does(tmp_path):
    drawn = louder()
    gains, alike = cosines(conditions(drawn))
    assert gains.gains == GAINS and gains.original == 1
    np.testing.assert_allclose(alike, np.tile(np.cos([0.2, 0, 0.1]), (5, 1)), rtol=1e-6)
    np.testing.assert_allclose(changes(drawn, gains)[:, 1:], np.tile([0, 10], (5, 1)), atol=0.5)
    items = {"dalle": rate(drawn, CornerJudge(), {}), "latent": rate(louder(5, skip=1), CornerJudge(), {})}
    sets = {"dalle": drawn, "latent": louder(5, skip=1)}
    whole = Coverage(expected=5, found=5)
    result = volume_result(conditions(drawn), sets, items, False, "test", whole, 200, 1)
    assert result.metrics["cosine_minus_20_db"].value == pytest.approx(np.cos(0.2), rel=1e-6)
    assert result.metrics["score_dalle_plus_10_db"].value == pytest.approx(0.6)
    assert result.metrics["change_latent_0_db"].value == 0
    study_figures.volume_figure(tmp_path / "volume.png", sets, result)
    assert (tmp_path / "volume.png").stat().st_size > 5000


def test_drawings_without_gains_are_refused():
    with pytest.raises(UserError, match="must be a gain"):
        by_gain(["a"], ["louder"])
    with pytest.raises(UserError, match="no drawing at 0 dB"):
        by_gain(["a", "a"], ["gain=-10", "gain=10"])
    with pytest.raises(UserError, match="no sound was drawn at all gains"):
        by_gain(["a", "b"], ["gain=0", "gain=10"])


def test_clips_are_drawn_by_the_seed_those_of_all_systems_first():
    many, few = drawings(30), drawings(6)
    known = {row.item for row in few.rows}
    chosen = chosen_clips([many, few], 8, 1)
    assert len(chosen) == 8 and known <= {clip for clip, _ in chosen}
    assert chosen == chosen_clips([many, few], 8, 1) != chosen_clips([many, few], 8, 2)
    assert [label for _, label in chosen] == sorted(label for _, label in chosen)


def test_pictures_are_drawn_beside_real_frames(tmp_path):
    few, many = drawings(5), drawings(12)
    place = {row.item: image for row, image in zip(many.rows, many.images, strict=True)}
    study_figures.classes_figure(tmp_path / "a.png", {"dalle": many, "latent": few}, place.get, "title")
    chosen = chosen_clips([many, few], 11, 1)
    study_figures.clips_figure(tmp_path / "b.png", chosen, {"dalle": many, "latent": few}, place.get, "note")
    study_figures.text_figure(tmp_path / "c.png", {"dalle": few}, "note")
    assert all((tmp_path / f"{name}.png").stat().st_size > 5000 for name in "abc")


def test_a_task_is_named_by_generator_and_study():
    assert (task_of("dalle"), task_of("latent", "control")) == ("vegas_dalle", "vegas_latent_control")
