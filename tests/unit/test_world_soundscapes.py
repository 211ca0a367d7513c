"""The embedded DESED and Clotho: the publishers' layouts, the same bytes each time."""

import csv
import re

import numpy as np
import pytest
import soundfile

from wavbrivl.config.captions import EmbeddedClothoConfig
from wavbrivl.config.events import PLACES, EmbeddedDesedConfig
from wavbrivl.evaluate.captions.clotho import read_split
from wavbrivl.evaluate.events.desed import read_part
from wavbrivl.files import sha256_of
from wavbrivl.world.clotho import SPLITS, plan_split, write_clotho
from wavbrivl.world.desed import PARTS, SECONDS, plan_part, write_desed

DESED = EmbeddedDesedConfig(synthetic21_train=3, weak=2, synthetic21_validation=1, validation=1, public=2)
CLOTHO = EmbeddedClothoConfig(development=4, validation=1, evaluation=1)
NAMES = {
    "synthetic": r"\d+\.wav",
    "public": r"[\w-]{11}_\d+_\d+\.wav",
    "recorded": r"Y[\w-]{11}_\d+\.000_\d+\.000\.wav",
}


@pytest.fixture(scope="module")
def desed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desed")
    write_desed(folder, DESED, seed=3)
    return folder


@pytest.fixture(scope="module")
def clotho(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clotho")
    write_clotho(folder, CLOTHO, seed=3)
    return folder


@pytest.mark.parametrize("part", PARTS)
def test_desed_tables_are_tab_separated_and_name_files_as_published(desed, part):
    text = (desed / "metadata" / f"{PLACES[part]}.tsv").read_bytes()
    weak = b"filename\tevent_labels\n"
    assert text.startswith(weak if part == "weak" else b"filename\tonset\toffset\tevent_label\n")
    assert b"\r" not in text
    kind = "synthetic" if part.startswith("synthetic") else "public" if part == "public" else "recorded"
    files = {path.name for path in (desed / "audio" / PLACES[part]).iterdir()}
    assert len(files) == getattr(DESED, part)
    assert all(re.fullmatch(NAMES[kind], name) for name in files)
    assert {r.sound.name for r in read_part(desed, part).recordings} == files


def test_sounds_are_mono_pcm16_at_44_khz(desed, clotho):
    for path in [*desed.rglob("*.wav"), *clotho.rglob("*.wav")]:
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (44_100, 1, "PCM_16")
        sound, _ = soundfile.read(path)
        assert 0.1 < np.abs(sound).max() <= 0.81
    assert {soundfile.info(path).duration for path in desed.rglob("*.wav")} == {SECONDS}


def test_an_event_is_louder_than_what_is_around_it(desed):
    part = read_part(desed, "synthetic21_train")
    plans = {plan.name: plan for plan in plan_part("synthetic21_train", 3, seed=3)}
    for recording in part.recordings:
        sound, rate = soundfile.read(recording.sound.path)
        inside = np.zeros(len(sound), dtype=bool)
        for one in plans[recording.sound.name].heard:
            inside[round(one.onset * rate) : round(one.offset * rate)] = True
        assert np.square(sound[inside]).mean() > 3 * np.square(sound[~inside]).mean()


def test_recorded_parts_have_silent_files_and_offsets_past_the_end_and_synthetic_ones_do_not():
    recorded = plan_part("public", 48, seed=7)
    assert sum(not plan.heard for plan in recorded) == 6
    assert all(plan.heard for plan in plan_part("synthetic21_train", 48, seed=7))
    for plan in recorded:
        for one in plan.heard:
            assert 0 <= one.onset < one.offset <= SECONDS
        same = [(a, b) for a in plan.heard for b in plan.heard if a is not b and a.event is b.event]
        assert all(a.offset < b.onset or b.offset < a.onset for a, b in same)


def test_every_class_is_about_equally_frequent():
    heard = [one.event.name for plan in plan_part("public", 48, seed=7) for one in plan.heard]
    counts = np.unique(heard, return_counts=True)[1]
    assert len(counts) == 10
    assert counts.max() <= counts.min() + 4


def test_a_larger_part_begins_with_a_smaller_one():
    assert plan_part("public", 9, seed=1)[:4] == plan_part("public", 4, seed=1)
    assert plan_split("validation", 9, seed=1)[:4] == plan_split("validation", 4, seed=1)


def test_clotho_has_hostile_names_five_captions_and_metadata_in_latin_1(clotho):
    names = []
    for split in SPLITS:
        read = read_split(clotho, split)
        names += [sound.name for sound in read.sounds]
        assert all(sound.path.is_file() and sound.group.isdigit() for sound in read.sounds)
        for clip in read.clips:
            assert len(set(clip.captions)) == 5
            assert all(5 <= len(caption.split()) <= 36 for caption in clip.captions)
    assert any(name.startswith(" ") for name in names)
    assert any("  " in name and "," in name for name in names)
    assert any("#" in name for name in names)
    assert any("(" in name for name in names)
    raw = (clotho / "clotho_metadata_development.csv").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    rows = list(csv.DictReader(raw.decode("iso-8859-1").splitlines()))
    assert [row["manufacturer"] for row in rows] == ["G\u00fcnter"] * 4


def test_captions_name_the_events_in_their_order():
    for clip in plan_split("evaluation", 12, seed=5):
        nouns = [one.event.noun for one in clip.heard]
        for caption in clip.captions:
            at = [m.start() for noun in dict.fromkeys(nouns) for m in re.finditer(rf"\b{noun}\b", caption)]
            assert len(at) == len(nouns)
        assert 1.4 <= clip.seconds <= 8


def test_the_same_seed_gives_the_same_bytes(desed, clotho, tmp_path):
    write_desed(tmp_path / "desed", DESED, seed=3)
    write_clotho(tmp_path / "clotho", CLOTHO, seed=3)
    for first, again in ((desed, tmp_path / "desed"), (clotho, tmp_path / "clotho")):
        digests = [
            {path.relative_to(root): sha256_of(path) for path in root.rglob("*") if path.is_file()}
            for root in (first, again)
        ]
        assert digests[0] == digests[1]
