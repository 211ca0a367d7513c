"""Clotho's layout, captioning and retrieval, on tones that are made here and the published table."""

import csv
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.event_files import PITCH, Deaf, Hearing, write_tones

from wavbrivl.config.captions import CLOTHO_SPLITS, CaptionerConfig, CaptionRetrievalConfig, ClothoConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.captions import captioning
from wavbrivl.evaluate.captions.clotho import HEADER, read_split
from wavbrivl.evaluate.captions.consensus import consensus_caption
from wavbrivl.evaluate.captions.heard import listen, read_clotho
from wavbrivl.evaluate.captions.retrieval import run_retrieval
from wavbrivl.evaluate.captions.text_encoder import contrast
from wavbrivl.evaluate.captions.words import END, UNKNOWN, build_vocabulary, words_of
from wavbrivl.evaluate.encoders import Embedded
from wavbrivl.evaluate.result import read_result, write_result
from wavbrivl.publish.caption_tables import write_samples, write_scores

REAL = Path(os.environ.get("WAVBRIVL_REAL_DATA", Path(__file__).parents[3] / "shared/data/real"))
CAPTIONER = CaptionerConfig(
    width=32, heads=2, feedforward=64, decoder_layers=1, dropout=0.0, steps=150, batch_size=16, beams=2,
    learning_rate=5e-3, validate_every=30,
)  # fmt: skip
RETRIEVAL = CaptionRetrievalConfig(
    width=32, heads=2, feedforward=64, embedding_dim=32, hidden=64, steps=60, batch_size=12, validate_every=30
)


def scored_by(*metrics):
    return ClothoConfig(metrics=list(metrics), corenlp="nowhere")


def five(first, second):
    """Five ways to say that one thing sounds after another."""
    return [
        f"A {first} is heard and then a {second}.",
        f"First a {first}, then a {second}",
        f"a {second} follows a {first} at once",
        f"There is a {first}; it is followed by a {second}.",
        f"The {first} stops before the {second} starts",
    ]


def write_benchmark(folder, counts=(24, 6, 8)):
    labels = list(PITCH)
    for split, count in zip(CLOTHO_SPLITS, counts, strict=True):
        rows = []
        for number in range(count):
            first, second = labels[number % 3], labels[(number // 3 + number) % 3]
            name = f" sound  #{number}, (of {split}).wav"
            write_tones(folder / split / name, [(0.2, 1.4, first), (1.6, 2.8, second)], 3.0)
            rows.append([name, *five(first.lower(), second.lower())])
        write_table(folder, split, rows)


def write_table(folder, split, rows, header=HEADER):
    with (folder / f"clotho_captions_{split}.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clotho")
    write_benchmark(folder)
    return folder


@pytest.fixture(scope="module")
def heard(tones):
    return listen(read_clotho(tones), Hearing(), CAPTIONER.frame_seconds, 8)


@dataclass
class Teacher:
    """Knows three words and answers with their directions."""

    language: str = "en"

    def embed_texts(self, texts):
        return np.array(
            [[word in text.lower() for word in ("cat", "dog", "speech")] for text in texts], float
        )


class Projecting(Hearing):
    """Loudness at the three pitches is its place in the teacher's space."""

    name = "projecting"

    def embed(self, waveforms, batch_size):
        embedding = super().embed(waveforms, batch_size).embedding
        return Embedded(embedding, (embedding > 0.01).astype(np.float32))


def test_file_names_are_taken_as_they_stand(tones):
    split = read_split(tones, "development")
    assert split.clips[3].sound.name == " sound  #3, (of development).wav"
    assert split.clips[3].sound.path.is_file()
    assert split.clips[0].captions == tuple(five("cat", "cat"))


def test_a_recording_is_what_the_metadata_say(tones, tmp_path):
    folder = Path(shutil.copytree(tones, tmp_path / "own"))
    names = [sound.name for sound in read_split(folder, "evaluation").sounds]
    rows = [
        f'"{names[0]}",caf\u00e9,77,x,y,z,l',
        f'"{names[1]}",b,77,x,y,z,l',
        f'"{names[2]}",b,Not found,x,y,z,l',
    ]
    head = "file_name,keywords,sound_id,sound_link,start_end_samples,manufacturer,license"
    (folder / "clotho_metadata_evaluation.csv").write_bytes("\n".join([head, *rows]).encode("iso-8859-1"))
    groups = [sound.group for sound in read_split(folder, "evaluation").sounds]
    assert groups[:3] == ["77", "77", names[2]]
    (folder / "clotho_metadata_evaluation.csv").write_text("name,id\n")
    with pytest.raises(UserError, match="columns file_name and sound_id are needed"):
        read_split(folder, "evaluation")


GOOD = ["a.wav", *"12345"]
BAD = [
    ([], HEADER, "the table has no rows"),
    ([GOOD], ["file", *HEADER[1:]], "the header must be file_name,caption_1"),
    ([GOOD[:5]], HEADER, "line 2: 5 columns instead of 6"),
    ([GOOD, GOOD], HEADER, "'a.wav' stands in 2 rows"),
    ([["../a.wav", *"12345"]], HEADER, "line 2: '../a.wav' is not the name of a wav file"),
    ([["a.mp3", *"12345"]], HEADER, "'a.mp3' is not the name of a wav file"),
    ([["a.wav", "1", "2", " ", "4", "5"]], HEADER, "line 2: caption_3 is empty"),
]


@pytest.mark.parametrize(("rows", "header", "message"), BAD)
def test_a_bad_table_is_one_sentence(tmp_path, rows, header, message):
    (tmp_path / "evaluation").mkdir()
    write_table(tmp_path, "evaluation", rows, header)
    with pytest.raises(UserError, match=r"clotho_captions_evaluation\.csv") as caught:
        read_split(tmp_path, "evaluation")
    assert message in str(caught.value)


def test_what_is_missing_altogether_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no such file; Clotho's layout has it"):
        read_split(tmp_path, "evaluation")
    write_table(tmp_path, "evaluation", [GOOD])
    with pytest.raises(UserError, match="no such folder, and clotho_captions_evaluation.csv lists 1"):
        read_split(tmp_path, "evaluation")
    (tmp_path / "clotho_captions_evaluation.csv").write_bytes(b"file_name,\xff\n")
    with pytest.raises(UserError, match="not a CSV file in UTF-8"):
        read_split(tmp_path, "evaluation")


@pytest.mark.skipif(
    not (REAL / "Clotho").is_dir(), reason="Clotho's captions are not here (WAVBRIVL_REAL_DATA)"
)
def test_the_published_table_is_read_whole(tmp_path):
    shutil.copy(REAL / "Clotho" / "clotho_captions_evaluation.csv", tmp_path)
    (tmp_path / "evaluation").mkdir()
    split = read_split(tmp_path, "evaluation")
    names = [sound.name for sound in split.sounds]
    assert (len(names), len(set(names))) == (1045, 1045)
    assert "Neighborhood  Bird Ambiance 3.wav" in names
    assert any("#" in name for name in names)
    assert any("," in name for name in names)
    lengths = [len(caption.split()) for clip in split.clips for caption in clip.captions]
    assert (len(lengths), min(lengths), max(lengths)) == (5225, 8, 21)


def test_words_lose_case_and_punctuation_only():
    assert words_of("A medium-sized bell's ring (loud) - then: caf\u00e9!") == [
        *("a", "medium-sized", "bell's", "ring", "loud", "then", "caf\u00e9"),
    ]
    vocabulary = build_vocabulary(["a bell rings", "a bird"], minimum_count=2)
    assert vocabulary.words[4:] == ("a",)
    assert vocabulary.encode("a bell", 5)[1:] == [4, UNKNOWN, END]
    assert vocabulary.decode([4, UNKNOWN, 4, END, 4]) == "a a"


def test_the_consensus_is_what_most_people_say():
    captions = [["a bell rings", "the bell"], ["a bell rings loudly", "a bird"], ["a bell rings", "rain"]]
    assert consensus_caption(captions) in {"a bell rings", "a bell rings loudly"}
    assert consensus_caption([["one caption"]]) == "one caption"


def test_a_captioner_learns_to_name_what_it_hears_in_order(heard, tmp_path):
    written = captioning.write_with(heard, CAPTIONER, 1)
    test = heard["evaluation"]
    systems = {"hearing": written, captioning.BASELINE: captioning.write_one_for_all(heard)}
    measured = captioning.measure(systems, test, scored_by("bleu", "rouge_l", "cider"), 50, 1, "tones")
    result, items = measured["hearing"]
    assert result.metrics["cider"].value > result.metrics["cider"].chance + 0.5
    assert result.metrics["cider"].chance == measured[captioning.BASELINE][0].metrics["cider"].value
    assert (result.n, result.coverage.expected) == (8, 8)
    assert items.scores["cider"].mean() == pytest.approx(result.metrics["cider"].value)
    assert set(items.scores) == {"cider", "rouge_l"}
    assert list(items.predicted) == written.captions
    assert "tokenizer" in result.protocol
    write_result(tmp_path / "captioning.json", result)
    assert read_result(tmp_path / "captioning.json") == result


def test_a_caption_does_not_depend_on_the_batch(heard):
    learned = captioning.fit_captioner(
        heard["development"].framed.features,
        heard["development"].captions,
        heard["validation"].framed.features,
        heard["validation"].captions,
        40,
        CAPTIONER.model_copy(update={"steps": 3}),
        1,
    )
    frames = heard["evaluation"].framed.features
    different = [frames[0], frames[1][:7], frames[2][:3], np.concatenate([frames[3]] * 2)]
    assert learned.write(different) == [learned.write([one])[0] for one in different]


def test_a_deaf_encoder_scores_exactly_chance_in_retrieval(tones):
    class Same(Deaf):
        def embed(self, waveforms, batch_size):
            return Embedded(np.ones((len(waveforms), 3), np.float32))

    silent = listen(read_clotho(tones), Same(), CAPTIONER.frame_seconds, 8)
    few = RETRIEVAL.model_copy(update={"steps": 2})
    result, items = run_retrieval(silent, few, 20, 1, "tones", "zh")
    for metric in result.metrics.values():
        assert metric.value == pytest.approx(metric.chance, abs=1e-12)
    assert result.metrics["recall_at_5_text_to_audio"].chance == 5 / 8
    assert items.scores.keys() == result.metrics.keys()


class Random:
    """Every text has a place of its own in the teacher's space."""

    language = "en"

    def embed_texts(self, texts):
        return np.random.default_rng(5).normal(size=(len(texts), 3))


@pytest.mark.parametrize("said", [(1.0, 1.0, 1.0), (0.3, -0.2, 0.7), (0.0, 0.0, 0.0)])
def test_a_deaf_encoder_scores_exactly_chance_in_zero_shot_retrieval_too(tones, said):
    class Same(Deaf):
        def embed(self, waveforms, batch_size):
            always = np.tile(np.float32(said), (len(waveforms), 1))
            return Embedded(always, always)

    silent = listen(read_clotho(tones), Same(), CAPTIONER.frame_seconds, 8)
    few = RETRIEVAL.model_copy(update={"steps": 1})
    result, _ = run_retrieval(silent, few, 20, 1, "tones", "en", Random())
    zero = {name: metric for name, metric in result.metrics.items() if name.startswith("zeroshot_")}
    assert len(zero) == 8
    for name, metric in zero.items():
        assert metric.value == pytest.approx(metric.chance, abs=1e-12), name


def test_retrieval_is_learned_and_zero_shot_needs_a_teacher_that_reads_english(tones, heard, tmp_path):
    result, _ = run_retrieval(heard, RETRIEVAL, 20, 1, "tones", "zh")
    found = result.metrics["recall_at_5_text_to_audio"]
    assert found.value > found.chance + 0.2
    assert result.settings["absent"]["zeroshot"] == "Clotho's captions are in 'en' and the teacher reads 'zh'"
    result, _ = run_retrieval(
        heard, RETRIEVAL.model_copy(update={"steps": 1}), 20, 1, "tones", "en", Teacher()
    )
    assert "no projection of its own" in result.settings["absent"]["zeroshot"]

    projecting = listen(read_clotho(tones), Projecting(), CAPTIONER.frame_seconds, 8)
    few = RETRIEVAL.model_copy(update={"steps": 1})
    result, items = run_retrieval(projecting, few, 20, 1, "tones", "en", Teacher())
    write_result(tmp_path / "retrieval.json", result)
    assert read_result(tmp_path / "retrieval.json") == result
    zero = result.metrics["zeroshot_map_at_10_text_to_audio"]
    assert zero.value > zero.chance + 0.2
    assert result.settings["absent"] == {}
    assert not any(name.startswith("zeroshot") for name in items.scores)


def test_captioners_and_text_encoders_of_several_seeds_stand_beside_the_first(heard):
    few = RETRIEVAL.model_copy(update={"steps": 2})
    one, two = (run_retrieval(heard, few, 20, 1, "tones", "zh", seeds=seeds)[0] for seeds in (1, 2))
    assert one.seeds is None and two.metrics == one.metrics
    other, _ = run_retrieval(heard, few, 20, 2, "tones", "zh")
    for name, scores in two.seeds.items():
        assert scores.seed == [1, 2]
        assert scores.values == pytest.approx([one.metrics[name].value, other.metrics[name].value])

    said = {name: captioning.Written([text] * 8, {}, "") for name, text in (("a", "a cat"), ("b", "a dog"))}
    systems = {"a": said["a"], captioning.BASELINE: captioning.write_one_for_all(heard)}
    again = {"a": [said["b"]]}
    ((first, _), (baseline, _)) = captioning.measure(
        systems, heard["evaluation"], scored_by("rouge_l"), 20, 1, "tones", again
    ).values()
    alone = captioning.measure(
        systems | {"a": said["b"]}, heard["evaluation"], scored_by("rouge_l"), 20, 1, "tones"
    )["a"][0]
    scores = first.seeds["rouge_l"]
    assert (scores.seed, scores.values[0]) == ([1, 2], first.metrics["rouge_l"].value)
    assert scores.values[1] == alone.metrics["rouge_l"].value != scores.values[0]
    assert baseline.seeds is None


def test_the_same_words_of_another_sound_are_no_negative():
    sounds = torch.nn.functional.normalize(
        torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), dim=1
    )
    texts = torch.stack([sounds[0], sounds[0], sounds[2]])
    same, other = torch.tensor([[1], [1], [2]]), torch.tensor([[1], [3], [2]])
    assert contrast(sounds, texts, same, 0.07) < contrast(sounds, texts, other, 0.07)


def test_sounds_that_cannot_be_read_are_counted_and_listed(tones, tmp_path):
    folder = Path(shutil.copytree(tones, tmp_path / "own"))
    names = [sound.name for sound in read_split(folder, "evaluation").sounds]
    (folder / "evaluation" / names[0]).unlink()
    (folder / "evaluation" / names[5]).write_bytes(b"no sound")
    learnt, chosen = (read_split(folder, name).sounds[2].path for name in ("development", "validation"))
    learnt.unlink()
    chosen.write_bytes(b"no sound")
    heard = listen(read_clotho(folder), Hearing(), CAPTIONER.frame_seconds, 8)
    systems = {captioning.BASELINE: captioning.write_one_for_all(heard)}
    result, items = captioning.measure(systems, heard["evaluation"], scored_by("rouge_l"), 20, 1, "tones")[
        captioning.BASELINE
    ]
    assert (result.n, result.coverage.missing) == (6, {"absent": 1, "unreadable": 1})
    assert [e.item for e in result.exclusions] == [names[0], names[5]]
    assert list(items.item) == [name for i, name in enumerate(names) if i not in (0, 5)]
    few = RETRIEVAL.model_copy(update={"steps": 1})
    searched, _ = run_retrieval(heard, few, 20, 1, "tones", "zh")
    written = captioning.write_with(heard, CAPTIONER.model_copy(update={"steps": 1}), 1)
    for parts in (searched.parts, written.parts):
        listed = {name: [(e.item, e.cause) for e in part.exclusions] for name, part in parts.items()}
        assert listed == {
            "development": [(learnt.name, "absent")],
            "validation": [(chosen.name, "unreadable")],
        }
        assert parts["development"].coverage.missing == {"absent": 1}
    assert list(result.parts) == ["development"]
    shutil.rmtree(folder / "validation")
    (folder / "validation").mkdir()
    with pytest.raises(UserError, match="Clotho validation sounds: none of 6 sounds can be read"):
        listen(read_clotho(folder), Hearing(), CAPTIONER.frame_seconds, 8)


def test_tables_show_what_was_written_and_scored(heard, tmp_path):
    systems = {
        "wavbrivl": captioning.Written(["a | b"] * 8, {}, "by hand"),
        captioning.BASELINE: captioning.write_one_for_all(heard),
    }
    captioning.write_captions_table(tmp_path / "captions.csv", heard["evaluation"], systems)
    write_samples(tmp_path / "samples.csv", tmp_path / "samples.md", tmp_path / "captions.csv", 1, shown=3)
    with (tmp_path / "samples.csv").open(newline="") as handle:
        rows = list(csv.reader(handle))
    assert rows[0] == ["sound", "written by people", "wavbrivl", captioning.BASELINE]
    assert len(rows) == 4
    assert all(row[1].count("\n") == 4 and row[2] == "a | b" for row in rows[1:])
    assert "a \\| b" in (tmp_path / "samples.md").read_text()

    measured = captioning.measure(systems, heard["evaluation"], scored_by("bleu", "spice"), 20, 1, "tones")
    results = {(name, captioning.TASK): result for name, (result, _) in measured.items()}
    write_scores(tmp_path / "scores.csv", tmp_path / "scores.md", results)
    with (tmp_path / "scores.csv").open(newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert [line["metric"] for line in lines[:6]] == [*(f"bleu_{n}" for n in range(1, 5)), "spice", "spider"]
    assert "CoreNLP" in lines[4]["note"]
    text = (tmp_path / "scores.md").read_text()
    assert "clotho_retrieval: not part of this run." in text
    assert "Not measured: spice" in text
