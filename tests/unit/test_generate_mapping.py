"""The map between modalities: what it recovers, and how the gap is measured."""

import json

import numpy as np
import pytest
from tests.generate_samples import vectors

from wavbrivl.config.generation import MappingConfig
from wavbrivl.errors import UserError
from wavbrivl.generate.gap import Pairs, fit_and_measure
from wavbrivl.generate.mapping import fit_mapping, identity, read_mappings, write_mappings


def gapped(count: int, seed: int = 0, turn: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Images, and sounds that lie apart from them: shifted, and turned in one plane."""
    images = vectors(count, seed=seed).astype(np.float64)
    sounds = images.copy()
    sounds[:, 0] = np.cos(turn) * images[:, 0] - np.sin(turn) * images[:, 1]
    sounds[:, 1] = np.sin(turn) * images[:, 0] + np.cos(turn) * images[:, 1]
    return sounds + 0.5 * vectors(1, seed=9), images


@pytest.mark.parametrize("kind", ["moments", "linear"])
def test_a_shift_is_undone(kind):
    sounds, images = gapped(200)
    mapping = fit_mapping(sounds, images, MappingConfig(kind=kind, ridge=1.0))
    held_out, expected = gapped(50, seed=1)
    np.testing.assert_allclose(mapping(held_out), expected, atol=1e-3)


def test_only_the_linear_map_undoes_a_turn():
    sounds, images = gapped(400, turn=1.0)
    held_out, expected = gapped(50, seed=1, turn=1.0)
    found = {
        kind: (fit_mapping(sounds, images, MappingConfig(kind=kind, ridge=0.1))(held_out) * expected).sum(1)
        for kind in ("moments", "linear")
    }
    assert found["linear"].mean() > 0.999 > found["moments"].mean() + 0.01


def test_a_strong_ridge_leaves_directions_as_they_are():
    sounds, images = gapped(50, turn=1.0)
    mapping = fit_mapping(sounds, images, MappingConfig(ridge=1e9))
    np.testing.assert_allclose(mapping.matrix, np.eye(16), atol=1e-4)


def test_maps_come_back_and_unit_length_is_kept(tmp_path):
    mapping = fit_mapping(*gapped(40), MappingConfig())
    write_mappings(tmp_path / "m.npz", {"audio": mapping, "text": identity(16)})
    back = read_mappings(tmp_path / "m.npz")
    assert sorted(back) == ["audio", "text"]
    some = vectors(5, seed=4)
    np.testing.assert_array_equal(back["audio"](some), mapping(some))
    np.testing.assert_allclose(np.linalg.norm(mapping(some), axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(back["text"](some), some, atol=1e-6)
    (tmp_path / "m.npz").write_bytes(b"x")
    with pytest.raises(UserError, match="map between modalities"):
        read_mappings(tmp_path / "m.npz")


def test_the_gap_is_measured_with_and_without(tmp_path):
    sounds, images = gapped(300)
    held_sounds, held_images = gapped(40, seed=1)
    learnt = Pairs("train", [str(i) for i in range(300)], images, {"audio": sounds})
    held_out = Pairs("validation", [str(i) for i in range(40)], held_images, {"audio": held_sounds})
    fit_and_measure(learnt, held_out, MappingConfig(ridge=1.0), tmp_path / "m.npz", tmp_path / "m.json")
    found = json.loads((tmp_path / "m.json").read_text())["kinds"]["audio"]
    assert found["train"]["n"] == 300 and found["validation"]["n"] == 40
    without, with_map = found["validation"]["unmapped"], found["validation"]["mapped"]
    assert without["distance_of_means"] == pytest.approx(0.5, abs=0.01)
    assert with_map["distance_of_means"] < 0.01 and with_map["cosine_to_own_image"] > 0.999
