"""The diffusion model: samplers, guidance, what a picture depends on, and the layout on disk."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from tests.generate_samples import DIFFUSION, make_teacher, vectors

from wavbrivl.config.generation import DiffusionDrawConfig
from wavbrivl.errors import UserError
from wavbrivl.generate.conditions import plain_conditions
from wavbrivl.generate.diffusion import Diffusion
from wavbrivl.generate.guide import Guide
from wavbrivl.generate.mapping import Mapping
from wavbrivl.generate.pipeline import (
    EmbeddingPipeline,
    build_scheduler,
    build_sketch,
    build_unet,
    denoise,
    fold,
    load_pipeline,
    sampler_of,
    save_pipeline,
    unfold,
)

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def teacher():
    return make_teacher()


@pytest.fixture
def pipeline() -> EmbeddingPipeline:
    torch.manual_seed(2)
    unet = build_unet(DIFFUSION, 16).eval()
    for parameter in unet.parameters():
        parameter.data.mul_(1.5)
    return EmbeddingPipeline(unet, build_sketch(DIFFUSION, 16).eval(), build_scheduler(50))


def drawer(pipeline, teacher, mappings=None, **changes) -> Diffusion:
    config = DiffusionDrawConfig(**{**DIFFUSION.draw.model_dump(), **changes})
    return Diffusion(pipeline, Guide(teacher), mappings or {}, config)


def audio(count: int = 4):
    return plain_conditions("audio", list("abcd")[:count], ["x"] * count, vectors(4)[:count])


def test_folding_is_undone():
    pixels = torch.rand(2, 3, 8, 8)
    folded = fold(pixels, 4)
    assert folded.shape == (2, 48, 2, 2) and folded.min() >= -1
    torch.testing.assert_close(unfold(folded, 4), pixels)


def test_seed_and_item_decide_the_picture(pipeline, teacher):
    whole, trace = drawer(pipeline, teacher).draw(audio(), 3)
    again, _ = drawer(pipeline, teacher, batch_size=2).draw(audio(), 3)
    other, _ = drawer(pipeline, teacher).draw(audio(), 4)
    assert whole.images.shape == (4, 16, 16, 3)
    assert np.abs(whole.images.astype(int) - again.images).max() <= 1
    assert not np.array_equal(whole.images, other.images)
    assert whole.rows[0].score == pytest.approx(trace["items"][0]["rounds"][0]["scores"][0], abs=1e-5)


def test_the_best_candidate_is_kept_and_there_are_as_many_as_asked(pipeline, teacher):
    drawings, trace = drawer(pipeline, teacher, candidates=3).draw(audio(), 3)
    scores = [item["rounds"][0]["scores"] for item in trace["items"]]
    assert all(len(row) == 3 for row in scores)
    np.testing.assert_allclose([row.score for row in drawings.rows], np.max(scores, axis=1), atol=1e-5)
    np.testing.assert_allclose(
        Guide(teacher).scores(drawings.images, vectors(4)), np.max(scores, axis=1), atol=1e-5
    )
    single, _ = drawer(pipeline, teacher).draw(audio(), 3)
    np.testing.assert_allclose([row.score for row in single.rows], np.array(scores)[:, 0], atol=1e-5)


def test_an_unconditional_drawing_hears_nothing(pipeline, teacher):
    items = list("abcd")
    one = plain_conditions("unconditional", items, items, vectors(4, seed=1))
    two = plain_conditions("unconditional", items, items, None)
    first, _ = drawer(pipeline, teacher, candidates=2).draw(one, 3)
    second, _ = drawer(pipeline, teacher, candidates=2).draw(two, 3)
    assert np.array_equal(first.images, second.images) and second.rows[0].score is None
    heard, _ = drawer(pipeline, teacher).draw(audio(), 3)
    assert not np.array_equal(first.images, heard.images)


def test_the_map_is_applied_to_its_kind_only(pipeline, teacher):
    maps = {"audio": Mapping(-np.eye(16, dtype=np.float32), np.zeros(16, dtype=np.float32))}
    plain, _ = drawer(pipeline, teacher).draw(audio(), 3)
    mapped, _ = drawer(pipeline, teacher, maps).draw(audio(), 3)
    off, _ = drawer(pipeline, teacher, maps, mapping=False).draw(audio(), 3)
    turned = plain_conditions("image", list("abcd"), ["x"] * 4, -vectors(4))
    image, _ = drawer(pipeline, teacher, maps).draw(turned, 3)
    assert np.array_equal(plain.images, off.images) and not np.array_equal(plain.images, mapped.images)
    assert np.array_equal(mapped.images, image.images)
    # The score is against what was heard, not against what it was mapped to.
    expected = Guide(teacher).scores(mapped.images, vectors(4))
    np.testing.assert_allclose([row.score for row in mapped.rows], expected, atol=1e-6)


def test_guidance_goes_through_the_condition_away_from_none(pipeline):
    """One DDIM step from pure noise ends at the guided prediction itself."""
    pipeline.scheduler = sampler_of(pipeline.scheduler, "ddim")
    noise, given = torch.randn(2, 12, 8, 8), torch.from_numpy(vectors(2))
    drawn = pipeline(given, noise, steps=1, guidance=3.0)
    times = torch.tensor([49, 49])
    with torch.no_grad():
        clean, empty = (
            denoise(pipeline.unet, pipeline.sketch(condition), noise, times, condition)
            for condition in (given, torch.zeros(2, 16))
        )
    torch.testing.assert_close(drawn, unfold(empty + 3 * (clean - empty), 2), atol=2e-3, rtol=0)


@pytest.mark.parametrize("name", ["ddim", "dpmsolver++"])
def test_a_network_that_knows_one_picture_only_ends_at_it(pipeline, monkeypatch, name):
    picture = torch.rand(1, 3, 16, 16)
    answer = type("Output", (), {"sample": fold(picture, 2).expand(3, -1, -1, -1)})
    monkeypatch.setattr(pipeline.unet, "forward", lambda *inputs, **more: answer)
    pipeline.scheduler = sampler_of(pipeline.scheduler, name)
    found = pipeline(torch.zeros(3, 16), torch.randn(3, *pipeline.noise_shape), 6, 1.0)
    torch.testing.assert_close(found, picture.expand(3, -1, -1, -1), atol=0.02, rtol=0)


def test_a_saved_pipeline_draws_the_same(pipeline, teacher, tmp_path):
    save_pipeline(tmp_path, pipeline)
    back = load_pipeline(tmp_path, CPU)
    assert isinstance(sampler_of(back.scheduler, "ddim"), DDIMScheduler) and back.side == 16
    first, _ = drawer(pipeline, teacher).draw(audio(), 3)
    second, _ = drawer(back, teacher).draw(audio(), 3)
    assert np.array_equal(first.images, second.images)
    assert not list(tmp_path.glob(".saving*"))


@pytest.mark.parametrize("broken", ["model_index.json", "unet/diffusion_pytorch_model.safetensors"])
def test_a_damaged_pipeline_is_named(pipeline, tmp_path, broken):
    save_pipeline(tmp_path, pipeline)
    (tmp_path / broken).write_bytes(b"{")
    with pytest.raises(UserError, match="cannot be read as a diffusion pipeline"):
        load_pipeline(tmp_path, CPU)
