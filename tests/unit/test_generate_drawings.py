"""Drawings and conditions on disk, and repeated drawing."""

import numpy as np
import pytest
from PIL import Image
from tests.generate_samples import vectors

from wavbrivl.errors import UserError
from wavbrivl.generate.conditions import Conditions, plain_conditions, read_conditions, write_conditions
from wavbrivl.generate.drawings import (
    Drawings,
    drawn_rows,
    grid,
    joined,
    read_drawings,
    read_trace,
    write_drawings,
)
from wavbrivl.generate.repeat import draw_repeatedly


def some(count: int = 3, side: int = 4) -> Drawings:
    random = np.random.default_rng(count)
    rounds = random.integers(0, 255, (2, count, side, side, 3)).astype(np.uint8)
    conditions = plain_conditions("audio", [f"a,{i}" for i in range(count)], ['"x"'] * count, vectors(count))
    return Drawings(rounds[-1], drawn_rows(conditions, 5, np.linspace(0, 1, count)), rounds)


def test_drawings_come_back_as_they_were(tmp_path):
    drawings = some()
    write_drawings(tmp_path / "d", drawings, {"generator": "x", "drawings": []})
    back = read_drawings(tmp_path / "d")
    assert np.array_equal(back.images, drawings.images) and np.array_equal(back.rounds, drawings.rounds)
    assert back.rows == drawings.rows
    assert read_trace(tmp_path / "d") == {"generator": "x", "drawings": []}
    with Image.open(tmp_path / "d" / "grid.png") as image:
        assert np.array_equal(np.asarray(image), grid(drawings.images))
    names = {"images.npy", "rounds.npy", "rows.csv", "trace.json", "grid.png"}
    assert {path.name for path in (tmp_path / "d").iterdir()} == names


def test_the_grid_shows_every_picture_in_its_place():
    images = np.zeros((5, 4, 4, 3), dtype=np.uint8)
    images[3] = 200
    sheet = grid(images, columns=2)
    assert sheet.shape == (3 * 6 + 2, 2 * 6 + 2, 3)
    assert (sheet[8:12, 8:12] == 200).all() and (sheet[14:18, 8:12] == 255).all()


def test_one_round_where_none_is_told(tmp_path):
    drawings = Drawings(some().images, some().rows)
    write_drawings(tmp_path, drawings, {})
    assert np.array_equal(read_drawings(tmp_path).rounds, drawings.images[None])


@pytest.mark.parametrize(
    "images", [np.zeros((3, 4, 5, 3), np.uint8), np.zeros((3, 4, 4, 3)), np.zeros((2, 4, 4, 3), np.uint8)]
)
def test_pictures_of_another_form_are_refused(images):
    with pytest.raises(ValueError, match="drawings must be|need as many rows"):
        Drawings(images, some().rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item,label\n", "header"),
        ("item,label,kind,seed,score,source,source_label,variant\na,b\n", "line 2: 8 cells"),
        ("item,label,kind,seed,score,source,source_label,variant\na,b,audio,x,,,,\n", "line 2"),
        ("item,label,kind,seed,score,source,source_label,variant\n", "3 pictures need as many rows"),
    ],
)
def test_a_broken_table_is_named(tmp_path, text, message):
    write_drawings(tmp_path, some(), {})
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_drawings(tmp_path)


def test_a_pickled_array_is_not_opened(tmp_path):
    write_drawings(tmp_path, some(), {})
    np.save(tmp_path / "images.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(UserError, match=r"images\.npy"):
        read_drawings(tmp_path)


def test_conditions_come_back_and_can_be_taken(tmp_path):
    conditions = Conditions(
        "audio", ["a", "b"], ["猫", "狗"], ["v", "w"], ["b", "a"], ["狗", "猫"], ["gain=-3", ""], ["x", ""],
        vectors(2),
    )  # fmt: skip
    write_conditions(tmp_path / "c.npz", conditions)
    back = read_conditions(tmp_path / "c.npz")
    assert np.array_equal(back.vectors, conditions.vectors)
    assert (back.items, back.labels, back.texts) == (conditions.items, conditions.labels, conditions.texts)
    turned = back.take([1, 0])
    assert turned.items == ["b", "a"] and np.array_equal(turned.vectors, conditions.vectors[::-1])
    (tmp_path / "c.npz").write_bytes(b"no archive")
    with pytest.raises(UserError, match="conditions of drawings"):
        read_conditions(tmp_path / "c.npz")


def test_only_an_unconditional_drawing_has_no_vectors():
    assert plain_conditions("unconditional", ["a"], ["x"], None).vectors is None
    with pytest.raises(ValueError, match="need vectors"):
        plain_conditions("audio", ["a"], ["x"], None)
    with pytest.raises(ValueError, match="different lengths"):
        plain_conditions("audio", ["a", "b"], ["x"], vectors(2))


def test_each_repeat_has_a_seed_of_its_own():
    class Seeded:
        name, side = "seeded", 2

        def draw(self, conditions, seed):
            images = np.full((len(conditions), 2, 2, 3), seed, dtype=np.uint8)
            items = [{"item": item} for item in conditions.items]
            rows = drawn_rows(conditions, seed, None)
            return Drawings(images, rows), {"generator": "seeded", "seed": seed, "items": items}

    conditions = plain_conditions("audio", ["a", "b"], ["x", "y"], vectors(2))
    drawings, trace = draw_repeatedly(Seeded(), conditions, 7, 3)
    assert [row.seed for row in drawings.rows] == [7, 7, 8, 8, 9, 9]
    assert drawings.images[:, 0, 0, 0].tolist() == [7, 7, 8, 8, 9, 9]
    assert [run["seed"] for run in trace["drawings"]] == [7, 8, 9] and trace["generator"] == "seeded"
    assert np.array_equal(joined([drawings]).images, drawings.images)
