"""DESED's layout and protocol, on tones that are made here and on the published tables."""

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.event_files import HOP, PITCH, Deaf, Hearing, draw_files, write_part, write_table

from wavbrivl.audio.frames import Frames
from wavbrivl.config.events import PLACES, DesedConfig, FrameHeadConfig, desed_folder
from wavbrivl.errors import UserError
from wavbrivl.evaluate.events.decode import detected_events, filter_frames, frame_targets
from wavbrivl.evaluate.events.desed import Event, clamped, read_part, recording_of
from wavbrivl.evaluate.events.head import Lesson, batch_loss, fit_head
from wavbrivl.evaluate.events.run import read_desed, run_desed, write_events
from wavbrivl.evaluate.result import read_result, write_result
from wavbrivl.evaluate.sounds import averaged
from wavbrivl.publish.event_figure import chosen, draw_events, read_events

REAL = Path(os.environ.get("WAVBRIVL_REAL_DATA", Path(__file__).parents[3] / "shared/data/real"))
HEAD = FrameHeadConfig(hidden=16, context_seconds=0.3, epochs=25, learning_rate=1e-2, batch_size=4)
CONFIG = DesedConfig(head=HEAD, thresholds=[0.3, 0.5], median_seconds=[0.1, 0.3])


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desed")
    write_part(folder, "synthetic21_train", draw_files(12, 1))
    write_part(folder, "weak", draw_files(4, 2, "Yaaaaaaaaaa{}_0.000_10.000.wav"))
    write_part(folder, "synthetic21_validation", draw_files(6, 3))
    write_part(folder, "public", draw_files(8, 4, "bbbbbbbbbb{}_0_10.wav") | {"cccccccccc0_0_10.wav": []})
    return folder


@pytest.fixture
def own(tones, tmp_path):
    return Path(shutil.copytree(tones, tmp_path / "own"))


def run(folder, encoder, config=CONFIG):
    return run_desed(read_desed(folder, config, "tones"), encoder, config, 50, 8, 1)


def test_an_encoder_that_hears_finds_the_events(tones):
    found = run(tones, Hearing())
    metrics = found.result.metrics
    assert metrics["segment_f1_macro"].value > 0.9
    assert metrics["event_f1_micro"].value > 0.7
    assert metrics["segment_f1_macro"].value > metrics["segment_f1_macro"].chance > 0.2
    assert set(metrics) == {
        *("segment_f1_macro", "segment_f1_micro", "event_f1_macro", "event_f1_micro", "segment_f1_files")
    }
    assert (found.result.n, found.result.coverage.expected, found.result.classes) == (9, 9, 3)
    assert found.result.settings["tested_on"]["files_without_events"] == 1
    assert found.detected["cccccccccc0_0_10.wav"] == []
    assert found.items.scores["segment_f1_files"].mean() == pytest.approx(metrics["segment_f1_files"].value)
    assert "sed_eval" in found.result.protocol


def test_an_encoder_that_hears_nothing_is_no_better_than_chance(tones):
    deaf = run(tones, Deaf()).result.metrics["segment_f1_macro"]
    assert deaf.value <= deaf.chance + 1e-9


def test_the_same_seed_gives_the_same_result(tones):
    config = CONFIG.model_copy(update={"head": HEAD.model_copy(update={"epochs": 2})})
    first, again = run(tones, Hearing(), config), run(tones, Hearing(), config)
    assert first.result == again.result
    assert first.detected == again.detected


def test_heads_of_several_seeds_stand_beside_the_first(tones):
    config = CONFIG.model_copy(update={"head": HEAD.model_copy(update={"epochs": 2})})
    desed = read_desed(tones, config, "tones")
    one = run_desed(desed, Hearing(), config, 20, 8, 1)
    three = run_desed(desed, Hearing(), config, 20, 8, 1, seeds=3)
    assert one.result.seeds is None
    assert three.result.metrics == one.result.metrics and three.detected == one.detected
    assert set(three.result.seeds) == set(three.result.metrics)
    for name, scores in three.result.seeds.items():
        assert scores.seed == [1, 2, 3] and scores.values[0] == three.result.metrics[name].value
    second = run_desed(desed, Hearing(), config, 20, 8, 2).result.metrics["segment_f1_macro"].value
    assert three.result.seeds["segment_f1_macro"].values[1] == second


def test_sounds_that_cannot_be_read_are_counted_and_listed(own):
    place = own / "audio" / PLACES["public"]
    (place / "bbbbbbbbbb0_0_10.wav").unlink()
    (place / "bbbbbbbbbb1_0_10.wav").write_bytes(b"no sound")
    (own / "audio" / PLACES["synthetic21_train"] / "3.wav").unlink()
    result = run(own, Hearing()).result
    assert (result.n, result.coverage.missing) == (7, {"absent": 1, "unreadable": 1})
    assert [e.item for e in result.exclusions] == ["bbbbbbbbbb0_0_10.wav", "bbbbbbbbbb1_0_10.wav"]
    assert result.settings["trained_on"]["synthetic21_train"]["left_out"] == {"absent": 1}


def test_what_is_missing_of_the_other_parts_is_counted_and_listed_too(own):
    """Of the parts that the head learns from, and of the one that threshold and filter are chosen on."""
    for part, name in (("synthetic21_train", "3.wav"), ("synthetic21_validation", "2.wav")):
        (own / "audio" / PLACES[part] / name).unlink()
    (own / "audio" / PLACES["weak"] / "Yaaaaaaaaaa1_0.000_10.000.wav").write_bytes(b"no sound")
    table = own / "metadata" / f"{PLACES['synthetic21_validation']}.tsv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[1], "1.wav\t9.000\t9.500\tCat"]) + "\n")
    result = run(own, Hearing()).result
    assert {name: part.coverage.missing for name, part in result.parts.items()} == {
        "synthetic21_train": {"absent": 1},
        "weak": {"unreadable": 1},
        "synthetic21_validation": {"absent": 1},
    }
    listed = [(e.item, e.cause) for part in result.parts.values() for e in part.exclusions]
    assert listed == [
        ("3.wav", "absent"),
        ("Yaaaaaaaaaa1_0.000_10.000.wav", "unreadable"),
        ("2.wav", "absent"),
    ]
    chosen = result.settings["chosen_on"]["synthetic21_validation"]
    assert (chosen["files"], chosen["events_past_the_end"]) == (5, 1)
    assert chosen["rows_that_stood_there_twice"] == [f"line {len(lines) + 1}: 0.wav"]
    assert result.exclusions == [] and result.coverage.missing == {}
    write_result(own / "desed.json", result)
    assert read_result(own / "desed.json") == result


def test_offsets_past_the_end_are_cut_and_counted(own):
    table = own / "metadata" / "eval/public.tsv"
    rows = [
        *("bbbbbbbbbb0_0_10.wav\t3.000\t11.000\tCat", "bbbbbbbbbb1_0_10.wav\t7.000\t8.000\tDog"),
        *["bbbbbbbbbb2_0_10.wav\t1.000\t2.000\tSpeech"] * 2,
    ]
    table.write_text("filename\tonset\toffset\tevent_label\n" + "\n".join(rows) + "\n")
    found = run(own, Hearing())
    facts = found.result.settings["tested_on"]
    assert (facts["offsets_past_the_end"], facts["events_past_the_end"], facts["events"]) == (2, 1, 2)
    assert facts["rows_that_stood_there_twice"] == ["line 5: bbbbbbbbbb2_0_10.wav"]
    assert found.reference["bbbbbbbbbb0_0_10.wav"] == [Event("Cat", 3.0, 4.0)]
    write_result(own / "desed.json", found.result)
    assert read_result(own / "desed.json") == found.result
    assert found.result.n == 3


def test_clamping_keeps_what_lies_inside():
    events = [Event("a", 0, 10.1), Event("b", 9.9, 10), Event("c", 10, 11)]
    assert clamped(events, 10.0) == ([Event("a", 0, 10), Event("b", 9.9, 10)], 2, 1)


BAD = [
    (["filename,onset,offset,event_label"], "the header must be filename, onset, offset, event_label"),
    (["filename\tonset\toffset\tevent_label"], "the table has no rows"),
    (["filename\tonset\toffset\tevent_label", "a.wav\t1.0\tCat"], "line 2: 3 columns instead of 4"),
    (["filename\tonset\toffset\tevent_label", "../a.wav\t0\t1\tCat"], "'../a.wav' is not the name of a wav"),
    (["filename\tonset\toffset\tevent_label", "a.wav\t2\t2\tCat"], "line 2: the event ends at 2 s"),
    (["filename\tonset\toffset\tevent_label", "a.wav\tnan\t2\tCat"], "onset 'nan' is not a time"),
    (["filename\tonset\toffset\tevent_label", "a.wav\t-1\t2\tCat"], "onset '-1' is not a time"),
    (["filename\tonset\toffset\tevent_label", "a.wav\t1\t\tCat"], "offset '' is not a time"),
    (["filename\tonset\toffset\tevent_label", "a.wav\t1\t2\tC t"], "'C t' is not an event label"),
    (["filename\tonset\toffset\tevent_label", "a.wav\t1\t2\tCat", "a.wav\t\t\t"], "line 3: 'a.wav' already"),
    (["filename\tonset\toffset\tevent_label", "a.wav\t\t\t", "a.wav\t1\t2\tCat"], "line 3: 'a.wav' already"),
    (["filename\tonset\toffset\tevent_label", "a.wav\t1\t2\tCow"], "'Cow' never occurs with times in"),
    (["filename\tonset\toffset\tevent_label", "a.wav\t\t\t"], "no file has an event"),
]


@pytest.mark.parametrize(("lines", "message"), BAD)
def test_a_bad_table_is_one_sentence(own, lines, message):
    write_table(own, "public", lines)
    with pytest.raises(UserError, match=r"public\.tsv") as caught:
        read_desed(own, CONFIG, "tones")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_weak_table_is_one_sentence(own):
    write_table(own, "weak", ["filename\tevent_labels", "a.wav\tCat,"])
    with pytest.raises(UserError, match=r"weak\.tsv, line 2: '' is not an event label"):
        read_desed(own, CONFIG, "tones")
    write_table(own, "weak", ["filename\tevent_labels", "a.wav\tCat", "a.wav\tDog"])
    with pytest.raises(UserError, match=r"weak\.tsv, line 3: 'a\.wav' already"):
        read_desed(own, CONFIG, "tones")


def test_what_is_missing_altogether_is_one_sentence(own):
    shutil.rmtree(own / "audio" / PLACES["public"])
    with pytest.raises(UserError, match="there is no such folder, and public.tsv lists"):
        read_desed(own, CONFIG, "tones")
    (own / "audio" / PLACES["public"]).mkdir()
    with pytest.raises(UserError, match="none of 9 sounds can be read, bbbbbbbbbb0_0_10.wav first"):
        run(own, Hearing())
    (own / "metadata" / "eval/public.tsv").unlink()
    with pytest.raises(UserError, match="there is no such file; DESED's layout has it"):
        read_desed(own, CONFIG, "tones")


def test_parts_must_be_apart_where_something_is_chosen():
    with pytest.raises(ValidationError, match="must not be a training part"):
        DesedConfig(test="synthetic21_train")
    with pytest.raises(ValidationError, match="neither trained on nor tested"):
        DesedConfig(test="synthetic21_validation")
    given = DesedConfig(test="synthetic21_validation", thresholds=[0.5], median_seconds=[0.7], weak=False)
    assert given.parts == ["synthetic21_train", "synthetic21_validation"]
    table = "data/DESED/metadata/train/synthetic21_train/soundscapes.tsv"
    assert desed_folder(table, given.parts[0]) == Path("data/DESED")


def test_recordings_are_videos_where_the_name_says_so():
    assert recording_of("Y00pbt6aJV8Y_350.000_360.000.wav") == "00pbt6aJV8Y"
    assert recording_of("Y-jLujkP1aaw_30.000_40.000.wav") == "-jLujkP1aaw"
    assert recording_of("YRo0FgMWTUE_120_130.wav") == "YRo0FgMWTUE"
    assert recording_of("17.wav") == "17.wav"


@pytest.mark.skipif(not (REAL / "DESED").is_dir(), reason="DESED's tables are not here (WAVBRIVL_REAL_DATA)")
@pytest.mark.parametrize(
    ("part", "rows", "files", "silent", "late"),
    [("validation", 4239, 1168, 15, 4), ("public", 2765, 692, 0, 1)],
)
def test_the_published_tables_are_read_whole(tmp_path, part, rows, files, silent, late):
    table = tmp_path / "metadata" / f"{PLACES[part]}.tsv"
    table.parent.mkdir(parents=True)
    shutil.copy(REAL / "DESED" / f"{part}.tsv", table)
    (tmp_path / "audio" / PLACES[part]).mkdir(parents=True)
    read = read_part(tmp_path, part)
    events = [event for recording in read.recordings for event in recording.events]
    assert (len(read.recordings), len(events), read.duplicates) == (files, rows - silent, ())
    assert sum(not recording.events for recording in read.recordings) == silent
    assert sum(clamped(r.events, 10.0)[1] for r in read.recordings) == late
    assert len(read.labels) == 10
    assert "Electric_shaver_toothbrush" in read.labels
    assert max(Counter(recording_of(r.sound.name) for r in read.recordings).values()) <= 3
    assert all(len(recording_of(r.sound.name)) == 11 for r in read.recordings)


def test_frames_are_averaged_to_one_rate():
    seconds = (np.arange(20) + 0.5) * HOP
    frames = Frames(np.arange(20, dtype=np.float32)[:, None], seconds)
    assert averaged(frames, 0.1, 1.0)[:, 0] == pytest.approx(np.arange(10) * 2 + 0.5)
    assert averaged(frames, 0.3, 1.0)[:, 0] == pytest.approx([2.5, 8.5, 14.5, 18.5])
    slow = averaged(frames, 0.02, 1.0)
    assert slow.shape == (50, 1)
    assert (slow[0, 0], slow[-1, 0]) == (0, 19)
    assert averaged(Frames(np.ones((1, 2), np.float32), np.array([0.3])), 0.1, 0.05).shape == (1, 2)


def test_events_come_back_from_their_own_targets():
    events = [Event("Cat", 0.2, 1.1), Event("Cat", 2.0, 3.0), Event("Dog", 0.0, 4.0)]
    targets = frame_targets(events, list(PITCH), 40, 0.1)
    assert detected_events(targets, list(PITCH), 0.5, 1, 0.1, 4.0) == [events[2], events[0], events[1]]
    gap = targets.copy()
    gap[5, 0] = 0
    assert detected_events(gap, list(PITCH), 0.5, 3, 0.1, 4.0) == [events[2], events[0], events[1]]
    assert filter_frames(0.7, 0.1) == 7
    assert filter_frames(0.1, 0.5) == 1


def test_an_event_never_ends_after_its_recording():
    assert detected_events(np.ones((3, 1)), ["Cat"], 0.5, 1, 0.1, 0.25) == [Event("Cat", 0.0, 0.25)]
    assert detected_events(np.zeros((3, 1)), ["Cat"], 0.5, 3, 0.1, 0.25) == []


def test_what_is_detected_does_not_depend_on_the_batch():
    rng = np.random.default_rng(0)
    lessons = [
        Lesson(rng.normal(size=(n, 5)).astype(np.float32), rng.integers(0, 2, (n, 2)).astype(np.float32))
        for n in (12, 30, 7)
    ]
    detect = fit_head(lessons, 2, 0.1, FrameHeadConfig(epochs=1, hidden=8), 3)
    together = detect([lesson.features for lesson in lessons])
    for lesson, rows in zip(lessons, together, strict=True):
        assert rows.shape == lesson.targets.shape
        assert np.allclose(detect([lesson.features])[0], rows, atol=1e-6)


def test_padding_has_no_part_in_the_loss():
    logits = torch.randn(2, 6, 2, generator=torch.Generator().manual_seed(0))
    strong = Lesson(np.zeros((4, 1), np.float32), np.ones((4, 2), np.float32))
    weak = Lesson(np.zeros((3, 1), np.float32), np.array([1, 0], np.float32))
    changed = logits.clone()
    changed[0, 4:], changed[1, 3:] = 50.0, -50.0
    assert batch_loss(logits, [strong, weak], 0.5) == batch_loss(changed, [strong, weak], 0.5)


def test_weak_labels_can_be_left_out(tones):
    without = CONFIG.model_copy(update={"weak": False})
    assert run(tones, Hearing(), without).result.settings["trained_on"].keys() == {"synthetic21_train"}


def test_events_survive_their_file_and_are_drawn(tones, tmp_path):
    found = run(tones, Hearing())
    write_events(tmp_path / "events.csv", found.reference, {"hearing": found.detected})
    events = read_events(tmp_path / "events.csv")
    assert {name: len(e) for name, e in events["reference"].items()} == {
        name: len(e) for name, e in found.reference.items()
    }
    assert events["hearing"]["cccccccccc0_0_10.wav"] == []
    assert "cccccccccc0_0_10.wav" in chosen(events["reference"], 1)
    draw_events(tmp_path / "events.png", events, "hearing", 1)
    assert (tmp_path / "events.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "events.csv").write_text("a,b\n")
    with pytest.raises(UserError, match="not a table of events"):
        read_events(tmp_path / "events.csv")
