"""The studies at toy size: everything is there, and what learns has learnt from train clips alone."""

import csv

import pytest

pytestmark = pytest.mark.workflow


def clips_of(finished, split: str) -> tuple[set[str], set[str]]:
    """Clip ids and video ids of a split, from the indexes of its media shards."""
    names = [path.name for path in (finished.path / "data/embedded/media").glob(f"{split}-*.index.json")]
    clips = [clip for name in names for clip in finished.json(f"data/embedded/media/{name}")["clips"]]
    return {clip["clip_id"] for clip in clips}, {clip["video_id"] for clip in clips}


@pytest.mark.parametrize("network", ["judge", "features"])
def test_judges_and_fid_classifiers_learn_from_train_clips_only(finished, network):
    path = finished.path / f"results/test/studies/{network}/clips.txt"
    learnt = set(path.read_text(encoding="utf-8").split())
    train, videos = clips_of(finished, "train")
    assert learnt and learnt <= train
    for split in ("validation", "test"):
        held_out, others = clips_of(finished, split)
        assert not learnt & held_out and not videos & others


def test_every_study_has_its_metrics_figures_and_tables(finished):
    results = finished.path / "results/test"
    for task in ("judge", "vegas_real", "vegas_dalle", "vegas_diffusion", "vegas_latent", "swap", "volume"):
        assert finished.json(f"results/test/metrics/{task}.json")["n"] > 0
    assert {"r_at_1", "fid", "kid", "inception_score"} <= set(
        finished.json("results/test/metrics/vegas_dalle.json")["metrics"]
    )
    for name in ("drawings", "clips", "text", "rounds", "swap", "volume"):
        assert (results / f"figures/{name}.png").stat().st_size > 5000
    assert finished.json("results/test/studies/rounds.json")["courses"]
    table = list(csv.DictReader((results / "tables/table3.csv").open(encoding="utf-8")))
    assert any(line["task"] == "vegas_real" and line["measured"] for line in table)
    assert "There are no answer files" in (results / "tables/table4.md").read_text(encoding="utf-8")


def test_the_folder_for_raters_is_whole(finished):
    folder = finished.path / "results/test/human_study"
    key = finished.json("results/test/studies/human_study.key.json")
    page = (folder / "index.html").read_text(encoding="utf-8")
    for question in key["questions"]:
        assert f'"{question["name"]}"' in page
    assert len(list((folder / "images").iterdir())) >= 2 and list((folder / "sounds").iterdir())


def test_a_malformed_answer_file_stops_table_4_by_its_name(copied):
    answers = copied.path / "data/answers"
    answers.mkdir()
    (answers / "answers-1.json").write_text("{}", encoding="utf-8")
    assert copied.planned("make_table4") == {"make_table4": 1}
    done = copied.run("make_table4")
    assert done.returncode and "answers-1.json: not an answer file" in done.stdout + done.stderr
