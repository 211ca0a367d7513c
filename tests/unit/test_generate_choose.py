"""What studies draw from: held-out clips only, spread over the classes, paired as their names say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.generate_samples import Hearing, embed, make_media, make_teacher

from wavbrivl.errors import UserError
from wavbrivl.evaluate.gallery import load_gallery
from wavbrivl.generate.choose import Heard, choose, paired, spread
from wavbrivl.generate.study import STUDIES, Study, study_of
from wavbrivl.teacher.pairs import read_texts


@pytest.fixture(scope="module")
def heard(tmp_path_factory) -> Heard:
    folder = tmp_path_factory.mktemp("test")
    teacher, shards = make_teacher(), make_media(folder, "test", 9)
    gallery = load_gallery(shards, *embed(folder, "test", shards, teacher))
    texts = read_texts(shards, "zh", "test")
    return Heard(gallery, shards, texts, Hearing(), teacher.embed_texts, 4)


labels = st.lists(st.sampled_from("abcd"), min_size=2, max_size=30)


@given(labels, st.integers(1, 40), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_clips_are_spread_over_the_classes(names, count, seed):
    rows = spread(names, count, seed)
    assert len(rows) == len(set(rows)) == min(count, len(names))
    assert rows == spread(names, count, seed)
    taken = [sum(names[row] == name for row in rows) for name in set(names)]
    left = [names.count(name) - sum(names[row] == name for row in rows) for name in set(names)]
    for mine, rest in zip(taken, left, strict=True):
        assert rest == 0 or mine >= max(taken) - 1  # a class is short only where it has no more clips


@given(st.integers(2, 5), st.integers(1, 6), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_shuffled_sounds_are_of_other_classes_and_each_is_used_once(classes, each, seed):
    names = [str(i % classes) for i in range(classes * each)]
    items = list(range(100, 100 + len(names)))
    sources = paired("shuffled", items, names, seed)
    assert sorted(sources) == items
    assert all(names[s - 100] != name for s, name in zip(sources, names, strict=True))


def test_swapped_sounds_are_of_the_partner_class():
    names = ["a", "b", "c", "d", "a", "b", "c", "d"]
    sources = paired("swapped", range(8), names, 1)
    assert [names[s] for s in sources] == ["b", "a", "d", "c"] * 2
    assert sorted(sources) == list(range(8))
    odd = paired("swapped", range(3), ["a", "b", "c"], 1)
    assert odd == [1, 0, 0]


def test_pairing_needs_two_classes():
    with pytest.raises(UserError, match="two classes"):
        paired("swapped", [0, 1], ["a", "a"], 1)


def test_the_test_study_hears_its_own_items(heard):
    conditions = choose(study_of("test"), heard, 6, 7)
    assert conditions.kind == "audio" and len(conditions) == 6
    assert conditions.sources == conditions.items and all(
        item.startswith("test") for item in conditions.items
    )
    assert [conditions.labels.count(name) for name in sorted(set(conditions.labels))] == [2, 2, 2]
    sounds = [heard.sounds.audio(heard.gallery.clip_ids.index(item)) for item in conditions.items]
    np.testing.assert_allclose(conditions.vectors, Hearing().embed(sounds, 4).projection)
    assert set(conditions.texts) <= {"皮球", "箱子", "屋顶"}


def test_shuffled_and_swapped_studies_tell_whom_they_heard(heard):
    own = choose(study_of("test"), heard, 9, 7)
    by_item = dict(zip(own.items, own.vectors, strict=True))
    for name in ("shuffled", "swap"):
        conditions = choose(study_of(name), heard, 9, 7)
        assert conditions.items == own.items
        for label, source, source_label, vector in zip(
            conditions.labels, conditions.sources, conditions.source_labels, conditions.vectors, strict=True
        ):
            assert label != source_label
            np.testing.assert_allclose(vector, by_item[source])


def test_volume_is_heard_at_every_gain_and_clipped(heard):
    heard.encoder.loudness.clear()
    study = Study("louder", gains_db=(-20.0, 0.0, 60.0), items=2)
    conditions = choose(study, heard, 9, 7)
    assert conditions.variants == ["gain=-20", "gain=0", "gain=60"] * 2
    assert conditions.items[0] == conditions.items[1] == conditions.items[2] != conditions.items[3]
    quiet, plain, loud = heard.encoder.loudness[:2], heard.encoder.loudness[2:4], heard.encoder.loudness[4:]
    np.testing.assert_allclose(np.array(quiet) * 10, plain, rtol=1e-4)
    assert max(loud) <= 1.0


def test_texts_and_images_and_nothing(heard):
    texts = choose(study_of("text"), heard, 5, 7)
    assert texts.kind == "text" and texts.items == ["ball", "box", "roof"]
    assert texts.texts == ["皮球", "箱子", "屋顶"]
    images = choose(study_of("image"), heard, 3, 7)
    row = heard.gallery.clip_ids.index(images.items[0])
    np.testing.assert_allclose(images.vectors[0], heard.gallery.images[row])
    control = choose(study_of("control"), heard, 3, 7)
    assert control.kind == "unconditional" and control.items == choose(study_of("test"), heard, 3, 7).items


def test_every_study_can_be_chosen(heard):
    for name in STUDIES:
        assert len(choose(study_of(name), heard, 6, 7)) > 0
    with pytest.raises(UserError, match="no study 'x'"):
        study_of("x")
