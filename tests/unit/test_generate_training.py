"""Training of the generators: from train clips only, the same weights after a kill."""

import json

import numpy as np
import pytest
import torch
from tests.generate_samples import (
    DALLE,
    DIFFUSION,
    LATENT,
    SIDE,
    STEPS,
    embed,
    make_frames,
    make_media,
    make_teacher,
)

from wavbrivl.config.generation import MappingConfig
from wavbrivl.errors import UserError
from wavbrivl.generate.dalle import tokens_of, train_transformer
from wavbrivl.generate.diffusion import train_diffusion
from wavbrivl.generate.dvae import Dvae, dvae_loss, load_dvae, temperature_at, train_dvae
from wavbrivl.generate.frames import Frames
from wavbrivl.generate.gap import Pairs, fit_and_measure
from wavbrivl.generate.subspace import load_subspace
from wavbrivl.generate.training import fit, order, rate_factor
from wavbrivl.generate.transformer import Transformer
from wavbrivl.generate.vq import load_vq, train_vq
from wavbrivl.generate.weights import load_module

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def teacher():
    return make_teacher()


@pytest.fixture(scope="module")
def frames(tmp_path_factory, teacher) -> Frames:
    return make_frames(tmp_path_factory.mktemp("train"), teacher)


def test_frames_are_those_of_the_clips_with_their_vectors(frames, teacher):
    assert len(frames) == 12 and frames.dim == 16
    pixels = frames.pixels([3, 7])
    assert pixels.shape == (2, 3, SIDE, SIDE) and pixels.min() >= 0 and pixels.max() <= 1
    picture = frames._shards.image(3, 64).reshape(SIDE, 4, SIDE, 4, 3).mean(axis=(1, 3)) / 255
    apart = np.abs(pixels.permute(0, 2, 3, 1).numpy() - picture).mean(axis=(1, 2, 3))
    assert apart[0] < 0.02 < apart[1]  # the same picture, smoothed a little wider; and another one
    seen = teacher.embed_images(frames._shards.image(3, 360)[None])
    np.testing.assert_allclose(frames.vectors([3]).numpy(), seen, atol=1e-4)


def test_frames_that_are_read_as_it_goes_are_the_same(frames, teacher, tmp_path):
    shards = make_media(tmp_path, "train", 12)
    read = Frames(shards, *embed(tmp_path, "train", shards, teacher), SIDE, "zh", in_memory=3)
    torch.testing.assert_close(read.pixels([0, 11]), frames.pixels([0, 11]), atol=0.5 / 255, rtol=0)


@pytest.mark.parametrize("split", ["test", "validation"])
def test_nothing_but_train_clips_can_be_learnt_from(tmp_path, teacher, split):
    shards = make_media(tmp_path, split, 3)
    with pytest.raises(UserError, match=f"clip {split}000_0_500 is not of the split 'train'"):
        Frames(shards, *embed(tmp_path, split, shards, teacher), SIDE, "zh", 10)
    pairs = Pairs(split, ["a"], np.eye(1, 16), {"audio": np.eye(1, 16)})
    with pytest.raises(UserError, match="fitted on the split 'train'"):
        fit_and_measure(pairs, pairs, MappingConfig(), tmp_path / "m.npz", tmp_path / "m.json")


def test_embeddings_of_other_clips_are_refused(tmp_path, teacher):
    shards = make_media(tmp_path, "train", 3)
    fewer = make_media(tmp_path / "fewer", "train", 2)
    with pytest.raises(UserError, match="not those of the media shards"):
        Frames(shards, *embed(tmp_path, "train", fewer, teacher), SIDE, "zh", 10)


def test_tokens_and_pictures_have_the_right_shapes():
    dvae = Dvae(DALLE.dvae)
    pixels = torch.rand(2, 3, SIDE, SIDE)
    assert dvae.logits(pixels).shape == (2, 12, 4, 4)
    tokens = dvae.encode(pixels)
    assert tokens.shape == (2, 16) and tokens.dtype == torch.int64 and tokens.max() < 12
    assert torch.equal(tokens[0].view(4, 4), dvae.logits(pixels)[0].argmax(dim=0))  # row by row
    painted = dvae.decode(tokens)
    assert painted.shape == pixels.shape
    one_hot = torch.nn.functional.one_hot(tokens.view(2, 4, 4), 12).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(painted, dvae.paint(one_hot).clamp(0, 1))


def test_the_temperature_falls_and_then_codes_are_hard():
    config = DALLE.dvae.model_copy(update={"training": STEPS.model_copy(update={"steps": 100})})
    found = [temperature_at(step, config) for step in (0, 30, 59, 60, 99)]
    assert [hard for _, hard in found] == [False, False, False, True, True]
    assert found[0][0] == pytest.approx(1.0) and found[3][0] == found[4][0] == pytest.approx(0.3)
    assert found[1][0] == pytest.approx(0.3**0.5)


def test_the_loss_is_the_error_and_the_entropy_that_is_missing():
    torch.manual_seed(0)
    dvae = Dvae(DALLE.dvae.model_copy(update={"entropy_weight": 0.5}))
    loss, noted = dvae_loss(dvae, torch.rand(2, 3, SIDE, SIDE), 0.5, hard=True)
    missing = np.log(12) - noted["code_entropy"]
    assert loss.item() == pytest.approx(noted["error"] + 0.5 * missing, rel=1e-5) and missing >= 0


def test_everything_learns_and_comes_back_from_disk(frames, teacher, tmp_path):
    longer = STEPS.model_copy(update={"steps": 40})
    dalle = DALLE.model_copy(
        update={
            "dvae": DALLE.dvae.model_copy(update={"training": longer}),
            "transformer": DALLE.transformer.model_copy(update={"training": longer}),
        }
    )
    dvae = train_dvae(frames, dalle, tmp_path / "dvae", 1, CPU)
    back = load_dvae(tmp_path / "dvae", CPU)
    assert torch.equal(back.encode(frames.pixels([0])), dvae.encode(frames.pixels([0])))
    assert torch.equal(tokens_of(frames, dvae, CPU, 5), dvae.encode(frames.pixels(range(12))))
    network = train_transformer(frames, dvae, dalle, tmp_path / "gpt", 1, CPU)
    again = load_module(tmp_path / "gpt", Transformer, type(dalle.transformer), CPU)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    for folder in ("dvae", "gpt"):
        rows = [json.loads(line) for line in (tmp_path / folder / "training.jsonl").open()]
        assert rows[-1]["step"] == 40 and rows[-1]["loss"] < rows[0]["loss"]
    assert {path.name for path in (tmp_path / "gpt").iterdir()} == {
        "config.json", "model.safetensors", "vocab.txt", "training.jsonl",
    }  # fmt: skip


def test_a_vq_model_learns_its_codes_and_comes_back(frames, tmp_path):
    vq = train_vq(frames, LATENT, tmp_path, 1, CPU)
    back = load_vq(tmp_path, CPU)
    pixels = frames.pixels([0, 1]) * 2 - 1
    torch.testing.assert_close(back(pixels).sample, vq(pixels).sample)
    assert len(vq.quantize.embedding.weight.unique(dim=0)) == 8
    subspace = load_subspace(tmp_path, CPU)
    assert len(subspace) == LATENT.vq.components
    assert subspace.mean.shape == vq.encode(pixels).latents.shape[1:]
    many = LATENT.model_copy(update={"vq": LATENT.vq.model_copy(update={"components": len(frames)})})
    with pytest.raises(UserError, match=r"generate\.latent\.vq\.components"):
        train_vq(frames, many, tmp_path / "many", 1, CPU)
    with pytest.raises(UserError, match="cannot be read as a VQ model"):
        load_vq(tmp_path / "absent", CPU)


class KilledError(Exception):
    pass


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_killed_training_ends_at_the_same_weights(tmp_path, ema):
    def train(folder, until=None):
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 1)
        data = torch.randn(10, 3, generator=torch.Generator().manual_seed(1))

        def loss(rows, step):
            if step == until:
                raise KilledError
            return (layer(data[rows] + 0.1 * torch.randn(4, 3)) - 1).square().mean(), {}

        folder.mkdir(exist_ok=True)
        fit(layer, loss, 10, STEPS.model_copy(update={"steps": 50, "checkpoint_every": 20}), 3, {}, folder,
            "steps", ema)  # fmt: skip
        return layer

    whole = train(tmp_path / "a")
    with pytest.raises(KilledError):
        train(tmp_path / "b", until=31)
    continued = train(tmp_path / "b")
    assert torch.equal(whole.weight, continued.weight)
    assert (tmp_path / "a" / "training.jsonl").read_text() == (tmp_path / "b" / "training.jsonl").read_text()


def test_order_and_rate():
    rows = np.concatenate([order(5, step, 4, 10) for step in range(5)])
    assert sorted(rows[:10]) == sorted(rows[10:20]) == list(range(10)) and list(rows[:10]) != list(rows[10:])
    rates = [rate_factor(step, 100) for step in range(100)]
    assert rates.index(max(rates)) in (9, 10) and max(rates) == 1 and rates[-1] < 0.001


def test_a_diffusion_pipeline_is_saved_in_diffusers_layout(frames, tmp_path):
    train_diffusion(frames, DIFFUSION, tmp_path, 1, CPU)
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {
        "model_index.json", "training.jsonl", "unet/config.json", "scheduler/scheduler_config.json",
        "sketch/config.json", "sketch/training.jsonl",
        "sketch/diffusion_pytorch_model.safetensors",
        "unet/diffusion_pytorch_model.safetensors",
    }  # fmt: skip
