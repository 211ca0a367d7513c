"""Pictures and words: each hidden parameter can be read from one frame and from each caption."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavbrivl.errors import UserError
from wavbrivl.world import classes
from wavbrivl.world.classes import BY_NAME, CLASSES, caption_en, caption_zh
from wavbrivl.world.pictures import Scene

unit = st.floats(0, 1)


def frame(name="bell", size=0.5, rate=0.5, tone=0.5, width=854, height=480, seed=1):
    return Scene(name, 40, size, rate, tone, width, height, np.random.default_rng(seed)).frame(0.4)


def small_grey(image):
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[top : top + side, left : left + side]
    square = cv2.resize(square, (64, 64), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(square, cv2.COLOR_RGB2GRAY).astype(int)


def object_area(name, size):
    image = small_grey(frame(name, size=size, tone=0.0))[:48]
    return int((image > 40).sum())


@pytest.mark.parametrize("name", BY_NAME)
def test_size_is_seen(name):
    areas = [object_area(name, size) for size in (0.0, 0.5, 1.0)]
    assert areas[1] > 1.5 * areas[0] and areas[2] > 1.3 * areas[1]


@pytest.mark.parametrize("name", BY_NAME)
def test_tone_is_seen(name):
    sky = [small_grey(frame(name, tone=tone))[2:8, 2:12].mean() for tone in np.linspace(0, 1, 6)]
    assert np.all(np.diff(sky) > 15)


def test_rate_is_seen_as_bars_and_their_last_height():
    lit = [int((small_grey(frame(rate=rate))[51:61] > 150).sum()) for rate in np.linspace(0, 1, 12)]
    assert np.all(np.diff(lit) > 0)


@pytest.mark.parametrize("tone", [0.0, 0.5, 1.0])
def test_every_object_stands_out_in_grey_at_64_pixels(tone):
    for name in BY_NAME:
        image = small_grey(frame(name, tone=tone))
        assert np.percentile(np.abs(image[8:44, 16:48] - np.median(image[2:10])), 70) > 12, name


def test_silhouettes_are_told_apart_without_colour():
    """Nearest template in grey over other instances: far above what size or colour could give."""

    def view(name, seed):
        tone = 0.1 + 0.2 * np.random.default_rng(seed).uniform()
        return small_grey(frame(name, 0.6, 0.5, tone, seed=seed))[2:48].ravel()

    templates = {name: np.mean([view(name, seed) for seed in range(8)], axis=0) for name in BY_NAME}
    names = list(templates)
    guesses = [
        names[np.argmax(np.corrcoef(view(name, seed), list(templates.values()))[0, 1:])] == name
        for name in names
        for seed in range(20, 24)
    ]
    assert np.mean(guesses) > 0.9


@pytest.mark.parametrize("width,height", [(854, 480), (1280, 720), (480, 854)])
def test_frames_have_the_asked_size_and_move(width, height):
    scene = Scene("car", 0, 0.5, 0.8, 0.5, width, height, np.random.default_rng(0))
    first, later = scene.frame(0.0), scene.frame(0.1)
    assert first.shape == (height, width, 3) and first.dtype == np.uint8
    assert not np.array_equal(first, later)
    assert np.array_equal(first, scene.frame(0.0))


def test_unknown_class_is_refused():
    with pytest.raises(UserError, match="trumpet"):
        frame("trumpet")


@given(size=unit, rate=unit, tone=unit, template=st.integers(0, classes.TEMPLATES - 1), k=st.integers(0, 9))
def test_captions_name_label_and_all_parameters(size, rate, tone, template, k):
    event = CLASSES[k]
    english = caption_en(event, size, rate, tone, template)
    chinese = caption_zh(event, size, rate, tone, template)
    levels = [min(4, int(5 * value)) for value in (size, rate, tone)]
    assert event.label in english and event.zh in chinese
    for words, text in (
        ((classes.SIZE_EN, classes.RATE_EN, classes.TONE_EN), english),
        ((classes.SIZE_ZH, classes.RATE_ZH, classes.TONE_ZH), chinese),
    ):
        assert all(group[level] in text for group, level in zip(words, levels, strict=True))


def test_words_and_labels_are_distinct():
    for words in (classes.SIZE_ZH, classes.RATE_ZH, classes.TONE_ZH, classes.SIZE_EN, classes.TONE_EN):
        assert len(set(words)) == classes.LEVELS
    assert len({event.label for event in CLASSES}) == len({event.zh for event in CLASSES}) == 10
