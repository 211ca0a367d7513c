"""Grid search: its points, what becomes of each, and which one is used."""

import csv
import json

import pytest

from wavbrivl.config import parse_config
from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig
from wavbrivl.config.search import points_of
from wavbrivl.errors import UserError
from wavbrivl.files import write_json
from wavbrivl.publish.search import search_figure
from wavbrivl.train.chosen import settings_used, training_used
from wavbrivl.train.point import finish_point
from wavbrivl.train.search import adopt, choose, read_outcomes, write_points


def points(grid, **sections):
    config = parse_config({"search": {"grid": grid}, **sections}, "mine.yaml")
    return points_of(config.search, config.audio_encoder, config.training)


def test_every_combination_is_a_point_with_whole_sections():
    made = points({"training.queue_size": [160, 320], "audio_encoder.wavlm.dropout": [0, 0.1]})
    values = [(p.training.queue_size, p.audio_encoder.wavlm.dropout) for p in made]
    assert values == [(160, 0), (160, 0.1), (320, 0), (320, 0.1)]
    assert {p.training.steps for p in made} == {400}
    assert made[1].labels() == {"queue_size": "160", "dropout": "0.1"}


def test_values_become_names_of_files():
    grid = {
        "training.noise_snr_db": [None, [5, 30]],
        "training.batch_negatives": [True],
        "training.loss": ["siglip"],
    }
    names = [list(point.labels().values()) for point in points(grid)]
    assert names == [["null", "true", "siglip"], ["5.0,30.0", "true", "siglip"]]
    same_word = points({"audio_encoder.attention_layers": [0], "audio_encoder.wavlm.layers": [2]})
    assert same_word[0].labels() == {"attention_layers": "0", "layers": "2"}
    twins = {"audio_encoder.wavlm.dropout": [0.1], "training.batch_size": [40]}
    assert list(points(twins)[0].labels()) == ["dropout", "batch_size"]


def test_values_of_the_command_line_are_text_and_mean_the_same():
    (point,) = points({"training.learning_rate": ["0.003"], "training.patience": ["2"]})
    assert point.values == {"training.learning_rate": 0.003, "training.patience": 2}
    assert point.labels() == {"learning_rate": "0.003", "patience": "2"}


def test_no_grid_is_no_point():
    assert points({}) == []


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"training.lr": [1]}, ["no key 'training.lr'"]),
        ({"teacher.embedding_dim": [1]}, ["no key 'teacher.embedding_dim'"]),
        ({"training": [{}]}, ["no key 'training'"]),
        ({"audio_encoder.wavlm": [{}]}, ["no key 'audio_encoder.wavlm'"]),
        ({"training.momentum": []}, ["search.grid.training.momentum"]),
        ({"training.momentum": [0.9, "0.90"]}, ["momentum 0.9", "twice"]),
        ({"training.momentum": [0.9, 2]}, ["training.momentum 2", "less than 1"]),
        ({"training.queue_size": [160, 170]}, ["queue_size 170", "does not divide"]),
        ({"training.accumulate": [3]}, ["accumulate 3", "does not divide"]),
    ],
)
def test_a_wrong_grid_is_refused_by_key(grid, words):
    with pytest.raises(UserError) as refused:
        points(grid)
    assert all(word in str(refused.value) for word in ["mine.yaml", *words])
    assert "\n" not in str(refused.value)


def trained(folder, values, scores, diverged=None):
    """A point's folder with one validation a score."""
    folder.mkdir(parents=True)
    rows = [{"kind": "train", "step": 1, "loss": 3.0}]
    for i, score in enumerate(scores):
        both = {"mrr_audio_to_image": score, "mrr_image_to_audio": score + 0.1}
        rows.append({"kind": "validation", "step": 10 * (i + 1), **both, "gallery": 9})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "config.json").write_text("{}", encoding="utf-8")
    if scores:
        (folder / "best.safetensors").write_bytes(str(values).encode())
    finish_point(folder, values, diverged)
    return folder / "result.json"


@pytest.fixture
def outcomes(tmp_path):
    key = "training.learning_rate"
    return read_outcomes(
        [
            trained(tmp_path / "a", {key: 0.1}, [], "the loss is not finite at step 3"),
            trained(tmp_path / "b", {key: 0.01}, [0.2, 0.5, 0.4]),
            trained(tmp_path / "c", {key: 0.001}, [0.5], "the loss is not finite at step 14"),
            trained(tmp_path / "d", {key: 0.0001}, [0.1, 0.3]),
        ]
    )


def test_the_first_of_the_best_on_validation_is_chosen(outcomes, tmp_path):
    chosen = choose(outcomes)
    assert chosen.values == {"training.learning_rate": 0.01} and chosen.step == 20
    assert chosen.mrr == pytest.approx(0.55)
    chosen.write(tmp_path / "chosen.json")
    adopt(tmp_path / "chosen.json", tmp_path / "run")
    for name in ("config.json", "metrics.jsonl", "best.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_table_and_figure_show_every_point(outcomes, tmp_path):
    chosen = choose(outcomes)
    write_points(tmp_path / "points.csv", tmp_path / "points.md", outcomes, chosen)
    with (tmp_path / "points.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["training.learning_rate"] for row in rows] == ["0.01", "0.001", "0.0001", "0.1"]
    assert rows[0]["remark"] == "chosen" and rows[0]["mrr"] == "0.5500" and rows[0]["step"] == "20"
    assert rows[3]["mrr"] == "" and "not finite" in rows[3]["remark"]
    assert len((tmp_path / "points.md").read_text(encoding="utf-8").splitlines()) == 6
    search_figure(tmp_path / "points.png", outcomes, chosen)
    assert (tmp_path / "points.png").read_bytes().startswith(b"\x89PNG")


def test_what_follows_a_search_takes_the_chosen_point(outcomes, tmp_path):
    chosen = tmp_path / "chosen.json"
    choose(outcomes).write(chosen)
    audio, training = (config.model_dump(mode="json") for config in (AudioEncoderConfig(), TrainingConfig()))
    assert training_used(training, chosen).learning_rate == 0.01
    assert training_used(training, []) == TrainingConfig()
    write_json(chosen, {"values": {"audio_encoder.wavlm.heads": 2, "training.queue_size": 320}})
    encoder, used = settings_used(audio, training, chosen)
    assert (encoder.wavlm.heads, used.queue_size) == (2, 320)
    assert training_used(training, chosen) == used
    assert settings_used(audio, training) == (AudioEncoderConfig(), TrainingConfig())


def test_a_search_without_any_validation_says_why(outcomes):
    with pytest.raises(UserError, match=r"none of 1 points can be chosen: the loss is not finite at step 3"):
        choose(outcomes[:1])


def test_masks_longer_than_a_crop_are_refused():
    with pytest.raises(UserError, match=r"mask_time_length 100 is more than the 74 frames"):
        points(
            {"audio_encoder.wavlm.mask_time_length": [10, 100]},
            audio_encoder={"wavlm": {"mask_time_prob": 0.1}},
        )
