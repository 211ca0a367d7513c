"""The search index: exact, whole on disk, and nothing in it is trusted."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavbrivl import Hit, SearchIndex, UserError
from wavbrivl.files import read_json, write_json


def vectors(n=20, dim=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def names(n=20):
    return [f"item {i}" for i in range(n)]


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 50), st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_hits_are_those_of_a_slow_search(n, dim, k, seed):
    items, queries = vectors(n, dim, seed), vectors(3, dim, seed + 1)
    cosines = np.array([[q @ v / np.linalg.norm(q) / np.linalg.norm(v) for v in items] for q in queries])
    found = SearchIndex.build(items, names(n)).search(queries, k)
    for row, hits in zip(cosines, found, strict=True):
        assert len(hits) == min(k, n) == len({hit.id for hit in hits})
        assert [hit.score for hit in hits] == pytest.approx(np.sort(row)[::-1][:k], abs=1e-5)
        assert [hit.score for hit in hits] == pytest.approx(
            [row[names(n).index(hit.id)] for hit in hits], abs=1e-5
        )


def test_one_vector_is_one_query_and_none_is_none():
    index = SearchIndex.build(vectors(), names(), [{"n": i} for i in range(20)])
    ((hit,),) = index.search(vectors()[3], 1)
    assert hit == Hit("item 3", pytest.approx(1, abs=1e-6), {"n": 3})
    assert index.search(np.zeros((0, 8)), 1) == []
    assert len(index) == 20 and index.dim == 8


def test_equal_scores_come_in_the_order_of_the_index():
    index = SearchIndex.build(np.ones((6, 4)), names(6))
    ((*hits,),) = index.search(np.ones(4), 6)
    assert [hit.id for hit in hits] == names(6)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    metadata = [{"title": f"雨 {i}", "tags": [i, None]} for i in range(20)]
    index = SearchIndex.build(vectors(), names(), metadata, {"kind": "image"})
    index.save(tmp_path / "a" / "index")
    index.save(tmp_path / "a" / "index")
    again = SearchIndex.load(tmp_path / "a" / "index")
    assert (again.ids, again.metadata, again.about) == (names(), metadata, {"kind": "image"})
    np.testing.assert_allclose(again.vectors, index.vectors, atol=1e-6)
    assert [hit.id for hit in again.search(vectors(1, 8, 9), 5)[0]] == [
        hit.id for hit in index.search(vectors(1, 8, 9), 5)[0]
    ]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["index"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"")
    (tmp_path / "file").write_bytes(b"")
    for target in ("photos", "file"):
        with pytest.raises(UserError, match="is no search index; name another"):
            SearchIndex.build(vectors(), names()).save(tmp_path / target)
    assert (tmp_path / "photos" / "cat.jpg").exists()


@pytest.mark.parametrize(
    ("items", "ids", "metadata", "said"),
    [
        (np.zeros((0, 4)), [], None, "nothing to index"),
        (vectors(2), names(3), None, "2 vectors, 3 ids and 3 metadata"),
        (vectors(2), names(2), [{}], "2 vectors, 2 ids and 1 metadata"),
        (vectors(2), ["a", "a"], None, "'a' stands twice"),
        (np.array([[1.0, 0], [0, 0]]), names(2), None, "row 1 is zero"),
        (np.array([[1.0, np.nan]]), names(1), None, "row 0 is zero or not finite"),
        (np.zeros((1, 2, 3)), names(1), None, r"not \[1, 2, 3\]"),
    ],
)
def test_what_cannot_be_indexed(items, ids, metadata, said):
    with pytest.raises(UserError, match=said):
        SearchIndex.build(items, ids, metadata)


def test_what_cannot_be_asked():
    index = SearchIndex.build(vectors(), names())
    for query, k, said in [
        (np.ones(7), 1, "7 values does not fit an index of 8"),
        (np.zeros(8), 1, "zero"),
        (np.ones(8), 0, "at least 1"),
    ]:
        with pytest.raises(UserError, match=said):
            index.search(query, k)


class Evil:
    def __reduce__(self):
        return (print, ("this must never run",))


def _no_facts(folder):
    (folder / "index.json").unlink()


def _bad_facts(folder):
    write_json(folder / "index.json", [1])


def _later_format(folder):
    write_json(folder / "index.json", read_json(folder / "index.json") | {"format": 2})


def _fewer_items(folder):
    lines = (folder / "items.jsonl").read_text().splitlines(keepends=True)
    (folder / "items.jsonl").write_text("".join(lines[:-1]))


def _nameless_item(folder):
    (folder / "items.jsonl").write_text(json.dumps({"metadata": {}}) + "\n")


def _broken_items(folder):
    (folder / "items.jsonl").write_text("{\n")


def _twice(folder):
    lines = (folder / "items.jsonl").read_text().splitlines(keepends=True)
    (folder / "items.jsonl").write_text("".join([*lines[:-1], lines[0]]))


def _pickle(folder):
    np.save(folder / "vectors.npy", np.array([[Evil()]], dtype=object), allow_pickle=True)


def _half(folder):
    path = folder / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-40])


def _not_finite(folder):
    np.save(folder / "vectors.npy", np.full((20, 8), np.nan, np.float32))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_facts, "index.json is missing"),
        (_bad_facts, "does not describe"),
        (_later_format, "format 2"),
        (_fewer_items, "19 items do not go with"),
        (_nameless_item, "line 1: an item needs an id"),
        (_broken_items, "cannot be read as items"),
        (_twice, "'item 0' stands twice"),
        (_pickle, "cannot be read as vectors"),
        (_half, "cannot be read as vectors"),
        (_not_finite, "row 0 is zero or not finite"),
    ],
)
def test_a_damaged_index_is_refused_and_nothing_in_it_runs(tmp_path, capsys, damage, said):
    SearchIndex.build(vectors(), names()).save(tmp_path / "index")
    damage(tmp_path / "index")
    with pytest.raises(UserError, match=said):
        SearchIndex.load(tmp_path / "index")
    assert "never run" not in capsys.readouterr().out


def test_no_index_at_all(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(UserError, match="no search index"):
            SearchIndex.load(place)
