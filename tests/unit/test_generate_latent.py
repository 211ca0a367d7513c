"""The moved latent: its loss, its views, and that the score rises."""

import math

import numpy as np
import pytest
import torch
from tests.generate_samples import LATENT, make_teacher, vectors

from wavbrivl.config.generation import LatentDrawConfig
from wavbrivl.generate.conditions import plain_conditions
from wavbrivl.generate.cutouts import PARAMETERS, cutouts
from wavbrivl.generate.guide import Guide, to_uint8
from wavbrivl.generate.latent import SNAPSHOTS, Latent, _clamped, great_circle
from wavbrivl.generate.subspace import Subspace
from wavbrivl.generate.vq import build_vq

PLAIN = LatentDrawConfig(jitter=0, erasing=0, noise=0, smallest_cutout=0.5)


@pytest.fixture(scope="module")
def parts():
    torch.manual_seed(4)
    vq = build_vq(LATENT.vq, 16).eval().requires_grad_(False)
    vq.quantize.embedding.weight.data.normal_()
    return vq, 16, Guide(make_teacher())


def latent(parts, **changes) -> Latent:
    return Latent(*parts, LatentDrawConfig(**{**LATENT.draw.model_dump(), **changes}))


def audio(count: int = 3):
    return plain_conditions("audio", list("abc")[:count], ["x"] * count, vectors(3)[:count])


def test_the_distance_is_half_the_squared_angle():
    a, b = vectors(6, seed=1), vectors(6, seed=2)
    b[5] = a[5]
    angle = np.arccos(np.clip((a.astype(float) * b).sum(axis=1), -1, 1))
    found = great_circle(torch.from_numpy(a), torch.from_numpy(b))
    np.testing.assert_allclose(found.numpy(), angle**2 / 2, atol=1e-4)
    same = torch.from_numpy(a).requires_grad_(True)
    great_circle(same, torch.from_numpy(a)).sum().backward()
    assert torch.isfinite(same.grad).all()


def test_the_first_view_is_the_whole_picture_and_the_others_are_parts():
    ramp = torch.linspace(0, 1, 16).view(1, 1, 1, 16).expand(2, 3, 16, 16).contiguous()
    numbers = torch.rand(2, 5, PARAMETERS, generator=torch.Generator().manual_seed(1))
    numbers[..., 1] = 0.5  # no turn
    views = cutouts(ramp, numbers, torch.zeros(2, 5, 3, 16, 16), PLAIN).view(2, 5, 3, 16, 16)
    torch.testing.assert_close(views[:, 0], ramp)
    spans = views[:, 1:, 0, 8, -1] - views[:, 1:, 0, 8, 0]
    expected = PLAIN.smallest_cutout + 0.5 * numbers[:, 1:, 0]
    torch.testing.assert_close(spans, expected, atol=0.02, rtol=0)


def test_jitter_noise_and_erasing_do_what_they_say():
    grey = torch.full((1, 3, 8, 8), 0.2)
    numbers = torch.full((1, 1, PARAMETERS), 0.5)
    noise = torch.ones(1, 1, 3, 8, 8)
    same = cutouts(grey, numbers, noise, PLAIN)
    torch.testing.assert_close(same, grey)
    numbers[..., 4] = 1.0
    brighter = cutouts(grey, numbers, noise, PLAIN.model_copy(update={"jitter": 0.5}))
    torch.testing.assert_close(brighter, grey * 1.5)
    numbers[..., 4], numbers[..., 10] = 0.5, 1.0
    noisy = cutouts(grey, numbers, noise, PLAIN.model_copy(update={"noise": 0.1}))
    torch.testing.assert_close(noisy, grey + 0.1)
    erased = cutouts(grey, numbers, noise, PLAIN.model_copy(update={"erasing": 1.0}))
    assert (erased == 0.5).sum() == 3 * 2 * 2


def test_clamping_lets_the_way_back_through():
    pixels = torch.tensor([-0.5, 0.5, 1.5, 1.5], requires_grad=True)
    (_clamped(pixels) * torch.tensor([1.0, 1.0, 1.0, -1.0])).sum().backward()
    assert _clamped(pixels).tolist() == [0, 0.5, 1, 1]
    # Descending, a pixel above 1 may come down (positive slope) but not be driven further up.
    assert pixels.grad.tolist() == [0, 1, 1, 0]


def test_the_score_rises_and_the_best_picture_stands(parts):
    drawings, trace = latent(parts, steps=20, cutouts=1, noise=0, jitter=0, erasing=0).draw(audio(), 2)
    guide = parts[2]
    scores = np.stack([guide.scores(images, vectors(3)) for images in drawings.rounds])
    assert drawings.rounds.shape == (SNAPSHOTS, 3, 16, 16, 3)
    assert (np.diff(scores, axis=0) >= -1e-9).all()
    unmoved = guide.scores(to_uint8(latent(parts)._pixels(latent(parts)._begin(audio(), 2))), vectors(3))
    assert (scores[-1] > unmoved).all()
    np.testing.assert_allclose([row.score for row in drawings.rows], scores[-1], atol=1e-6)
    assert len(trace["items"][0]["rounds"]) == SNAPSHOTS


def test_seed_item_and_batch(parts):
    whole, _ = latent(parts).draw(audio(), 2)
    again, _ = latent(parts, batch_size=2).draw(audio(), 2)
    other, _ = latent(parts).draw(audio(), 3)
    few, _ = latent(parts, items=2).draw(audio(), 2)
    assert np.abs(whole.images.astype(int) - again.images).mean() < 1
    assert not np.array_equal(whole.images, other.images)
    assert len(few.images) == len(few.rows) == 2


@pytest.mark.parametrize("start", ["random", "noise"])
def test_without_a_condition_the_latent_stays_where_it_began(parts, start):
    drawer = latent(parts, start=start)
    conditions = plain_conditions("unconditional", list("abc"), ["x"] * 3, vectors(3))
    drawings, _ = drawer.draw(conditions, 2)
    with torch.no_grad():
        began = to_uint8(drawer._pixels(drawer._begin(conditions, 2)))
    assert np.array_equal(drawings.images, began)


def test_the_latent_never_leaves_the_codebook(parts):
    drawer = latent(parts, learning_rate=50.0)
    moved = drawer._begin(audio(), 2).requires_grad_(True)
    optimizer = torch.optim.Adam([moved], lr=50.0)
    drawer._step(moved, optimizer, audio(), torch.from_numpy(vectors(3)), 2, 0)
    moved, low, high = moved.detach(), drawer.codebook.amin(0), drawer.codebook.amax(0)
    assert (moved.amin(dim=(0, 2, 3)) >= low).all() and (moved.amax(dim=(0, 2, 3)) <= high).all()
    assert math.isclose(float(moved.amax()), float(high.max()), rel_tol=1e-5)


def test_along_components_the_latent_stays_among_real_ones(parts):
    vq, side, guide = parts
    torch.manual_seed(5)
    subspace = Subspace(torch.randn(4, 8, 8), torch.randn(3, 4, 8, 8))
    config = LatentDrawConfig(**{**LATENT.draw.model_dump(), "steps": 20, "learning_rate": 0.3, "prior": 0})
    free = Latent(vq, side, guide, config, subspace)
    held = Latent(vq, side, guide, config.model_copy(update={"prior": 100.0}), subspace)
    lengths = {}
    for drawer in (free, held):
        place = drawer._begin(audio(), 2).requires_grad_(True)
        assert place.shape == (3, 3)
        optimizer = torch.optim.Adam([place], lr=0.3)
        for step in range(20):
            drawer._step(place, optimizer, audio(), torch.from_numpy(vectors(3)), 2, step)
        lengths[drawer] = place.detach().square().sum()
    assert lengths[held] < 0.2 * lengths[free]
    drawings, _ = free.draw(audio(), 2)
    scores = np.stack([guide.scores(images, vectors(3)) for images in drawings.rounds])
    assert (scores[-1] > scores[0]).any() and (np.diff(scores, axis=0) >= -1e-9).all()
    nothing = plain_conditions("unconditional", list("abc"), ["x"] * 3, vectors(3))
    drawn, _ = free.draw(nothing, 2)
    other, _ = free.draw(nothing, 3)
    assert not np.array_equal(drawn.images, other.images), "without a condition: a sample of real latents"
