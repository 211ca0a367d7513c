"""The estimate: it follows the configuration, and agrees with what is known of VGG-Sound and WavLM."""

from pathlib import Path

import pytest

from wavbrivl.config import Config, load_config
from wavbrivl.config.corpus import CorpusConfig
from wavbrivl.corpus.estimate import as_table, audio_operations, estimate, main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paper(tmp_path, monkeypatch) -> Config:
    monkeypatch.chdir(tmp_path)
    return load_config(ROOT / "config" / "paper.yaml")


def of(config: Config, jobs: int = 2, tflops: float = 20.0):
    return estimate(config, jobs, tflops, Path("cache"))


def with_fetch(config: Config, **keys) -> Config:
    return config.model_copy(update={"fetch": config.fetch.model_copy(update=keys)})


def test_vgg_sound_takes_a_month_and_as_much_room_as_its_mirror(paper):
    found = of(paper)
    assert found.clips == 199_467
    assert 27 < found.days < 29, "28 days at 300 videos an hour"
    without_margin = of(with_fetch(paper, margin_seconds=0.0))
    assert without_margin.clips_gb == pytest.approx(332, rel=0.02)
    assert 40 < found.media_gb < 70
    assert 5 < found.training_hours < 100 and found.embedding_hours < 2


def test_wavlm_base_on_ten_seconds(paper):
    # 12 layers of 7.1 million weights at 50 frames a second, and 2.4 billion in the convolutions.
    block = 4 * (4 * 768**2 + 2 * 768 * 2048 + 2 * 500 * 768)
    rest = audio_operations(paper) / 2 - 50 * block
    assert rest == pytest.approx(2.44e9 + 50 * 12 * (7.08e6 + 2 * 500 * 768) + 0.25e9, rel=0.03)


def test_a_faster_pace_than_youtube_bears_is_said_and_not_counted(paper):
    found = of(with_fetch(paper, videos_per_hour=None, sleep_seconds=0))
    assert found.videos_per_hour == 300
    assert any("set fetch.videos_per_hour" in remark for remark in found.remarks)
    assert of(with_fetch(paper, videos_per_hour=100)).days == pytest.approx(3 * of(paper).days, rel=0.01)
    assert of(paper, tflops=40).training_hours == pytest.approx(of(paper).training_hours / 2)


def test_the_embedded_default_asks_nobody(tmp_path):
    found = estimate(Config(), 2, 20.0, tmp_path)
    assert found.days is None and found.clips_gb < 1
    assert "none" in as_table(found, 20.0)


def test_a_mirror_takes_hours_and_twice_the_room(paper):
    mirror = [{"kind": "archive", "path": "https://mirror.example.org/vggsound_{00..19}.tar.gz"}]
    corpus = CorpusConfig(**paper.corpus.model_dump() | {"sources": mirror})
    assert [source.path[-9:] for source in corpus.sources][::19] == ["00.tar.gz", "19.tar.gz"]
    assert len({source.collected for source in corpus.sources}) == 20
    found = of(with_fetch(paper, margin_seconds=0.0).model_copy(update={"corpus": corpus}))
    assert found.days is None
    assert [remark for remark in found.remarks if "7.4 h at 100 Mbit/s" in remark]
    assert [remark for remark in found.remarks if "twice" in remark]


def test_the_list_counts_where_it_is_there(paper, tmp_path):
    rows = "".join(f"{i:011d},0,dog,train\n" for i in range(50))
    Path("data/lists").mkdir(parents=True)
    Path("data/lists/vggsound.csv").write_text(rows)
    assert of(paper).clips == 50


def test_the_command(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    main(["--configfile", str(ROOT / "config" / "paper.yaml")])
    assert "199,467" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"no file .*nothere\.yaml"):
        main(["--configfile", "nothere.yaml"])
