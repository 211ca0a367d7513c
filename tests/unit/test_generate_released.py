"""Released pipelines that take image embeddings, driven through tiny random ones of the same classes."""

import json

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    KandinskyV22Pipeline,
    StableDiffusionPipeline,
    StableUnCLIPImg2ImgPipeline,
    UNet2DConditionModel,
    VQModel,
)
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer
from safetensors.torch import save_file
from tests.generate_samples import make_teacher, vectors
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from wavbrivl.config.generation import DiffusionConfig, DiffusionDrawConfig
from wavbrivl.errors import UserError
from wavbrivl.generate.conditions import plain_conditions
from wavbrivl.generate.guide import Guide
from wavbrivl.generate.released import load_released

DIM = 16  # of the tiny teacher
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def guide() -> Guide:
    return Guide(make_teacher())


@pytest.fixture(scope="module")
def unclip(tmp_path_factory):
    """Stable unCLIP's parts at the smallest sizes."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("unclip")
    words = {f"{letter}</w>": i for i, letter in enumerate("ab")} | {"<|startoftext|>": 2, "<|endoftext|>": 3}
    (folder / "vocab.json").write_text(json.dumps(words))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=8)
    text = CLIPTextConfig(
        vocab_size=4, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=8, eos_token_id=3,
    )  # fmt: skip
    vision = CLIPVisionConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8,
        patch_size=4, projection_dim=DIM,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=4, block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), attention_head_dim=4, cross_attention_dim=8,
        class_embed_type="projection", projection_class_embeddings_input_dim=2 * DIM,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(4, 8), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, norm_num_groups=4, latent_channels=4,
    )  # fmt: skip
    normaliser = StableUnCLIPImageNormalizer(DIM)
    normaliser.mean.data[:], normaliser.std.data[:] = 3.0, 4.0
    pipeline = StableUnCLIPImg2ImgPipeline(
        feature_extractor=CLIPImageProcessor(), image_encoder=CLIPVisionModelWithProjection(vision),
        image_normalizer=normaliser, image_noising_scheduler=DDPMScheduler(num_train_timesteps=20),
        tokenizer=tokenizer, text_encoder=CLIPTextModel(text), unet=unet, scheduler=DDIMScheduler(), vae=vae,
    )  # fmt: skip
    pipeline.save_pretrained(folder / "pipeline")
    return folder / "pipeline"


@pytest.fixture(scope="module")
def kandinsky(tmp_path_factory):
    """Kandinsky 2.2's decoder at the smallest sizes."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("kandinsky")
    unet = UNet2DConditionModel(
        sample_size=4, in_channels=4, out_channels=8, block_out_channels=(8, 16), norm_num_groups=4,
        layers_per_block=1, down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", cross_attention_dim=8, attention_head_dim=4,
        addition_embed_type="image", encoder_hid_dim=DIM, encoder_hid_dim_type="image_proj",
        resnet_time_scale_shift="scale_shift",
    )  # fmt: skip
    movq = VQModel(  # its spatial norm has 32 groups, whatever is asked
        block_out_channels=(32, 32), down_block_types=("DownEncoderBlock2D",) * 2, norm_num_groups=4,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, vq_embed_dim=4, num_vq_embeddings=6,
        norm_type="spatial",
    )  # fmt: skip
    pipeline = KandinskyV22Pipeline(unet=unet, scheduler=DDPMScheduler(num_train_timesteps=50), movq=movq)
    pipeline.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapted(tmp_path_factory, unclip):
    """A Stable Diffusion of Stable unCLIP's tiny parts, and an IP-Adapter of one token for it."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("adapted")
    parts = StableUnCLIPImg2ImgPipeline.from_pretrained(unclip)
    unet = UNet2DConditionModel(
        sample_size=4, block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), attention_head_dim=4, cross_attention_dim=8,
    )  # fmt: skip
    StableDiffusionPipeline(
        vae=parts.vae, text_encoder=parts.text_encoder, tokenizer=parts.tokenizer, unet=unet,
        scheduler=DDIMScheduler(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder / "sd")  # fmt: skip
    weights = {
        "image_proj.proj.weight": torch.randn(4 * 8, DIM),
        "image_proj.proj.bias": torch.randn(4 * 8),
        "image_proj.norm.weight": torch.ones(8),
        "image_proj.norm.bias": torch.zeros(8),
    }
    number = 1
    for name in unet.attn_processors:
        if "attn2" in name:
            width = 8 if name.startswith(("down_blocks.0", "up_blocks.1")) else 16
            for part in ("k", "v"):
                weights[f"ip_adapter.{number}.to_{part}_ip.weight"] = torch.randn(width, 8)
            number += 2
    save_file(weights, folder / "adapter.safetensors")
    return folder


def test_an_ip_adapter_draws_from_vectors(adapted, guide):
    config = settings(
        adapted / "sd", released_norm=20.0, released_adapter=str(adapted / "adapter.safetensors")
    )
    generator = load_released(config, guide, {}, CPU)
    heard = plain_conditions("audio", ["a", "b"], ["x", "y"], vectors(2))
    drawings, trace = generator.draw(heard, 5)
    assert drawings.images.shape == (2, 8, 8, 3) and trace["pipeline"] == "StableDiffusionPipeline"
    assert np.array_equal(drawings.images, generator.draw(heard, 5)[0].images)
    other = plain_conditions("audio", ["a", "b"], ["x", "y"], vectors(2, seed=3))
    assert not np.array_equal(generator.draw(other, 5)[0].images, drawings.images)
    plain = load_released(
        config.model_copy(update={"draw": DiffusionDrawConfig(steps=2, guidance=1.0)}), guide, {}, CPU
    )
    assert plain.draw(heard, 5)[0].images.shape == (2, 8, 8, 3)


def test_what_an_ip_adapter_lacks_is_said(adapted, tmp_path, guide):
    with pytest.raises(UserError, match="through an IP-Adapter only"):
        load_released(settings(adapted / "sd", released_norm=1.0), guide, {}, CPU)
    for name, words in (("adapter.bin", "is no safetensors file"), ("adapter.safetensors", "cannot be read")):
        (tmp_path / name).write_bytes(b"no weights")
        config = settings(adapted / "sd", released_norm=1.0, released_adapter=str(tmp_path / name))
        with pytest.raises(UserError, match=words):
            load_released(config, guide, {}, CPU)
    config = settings(adapted / "sd", released_adapter=str(adapted / "adapter.safetensors"))
    with pytest.raises(UserError, match="released_norm"):
        load_released(config, guide, {}, CPU)


def settings(folder, **changes) -> DiffusionConfig:
    draw = DiffusionDrawConfig(steps=2, guidance=3.0)
    return DiffusionConfig(released=str(folder), draw=draw, **changes)


@pytest.mark.parametrize("kind", ["unclip", "kandinsky"])
def test_a_released_pipeline_draws_from_vectors(kind, request, guide):
    config = settings(request.getfixturevalue(kind), released_norm=20.0)
    generator = load_released(config, guide, {}, CPU)
    heard = plain_conditions("audio", ["a", "b"], ["x", "y"], vectors(2))
    drawings, trace = generator.draw(heard, 5)
    again, _ = generator.draw(heard.take([1]), 5)
    assert drawings.images.shape == (2, 8, 8, 3) and generator.side == 8
    assert np.array_equal(drawings.images[1], again.images[0])
    assert not np.array_equal(drawings.images[0], drawings.images[1])
    other = plain_conditions("audio", ["a", "b"], ["x", "y"], vectors(2, seed=3))
    assert not np.array_equal(generator.draw(other, 5)[0].images, drawings.images)
    assert not np.array_equal(generator.draw(heard, 6)[0].images, drawings.images)
    silent = plain_conditions("unconditional", ["a", "b"], ["x", "y"], None)
    assert generator.draw(silent, 5)[0].rows[0].score is None
    assert drawings.rows[0].score == pytest.approx(guide.scores(drawings.images, vectors(2))[0])
    assert trace["settings"]["norm"] == 20.0 and trace["pipeline"].startswith(("Stable", "Kandinsky"))


def test_the_length_of_embeddings_comes_from_the_pipeline_where_it_can(unclip, kandinsky, guide):
    generator = load_released(settings(unclip), guide, {}, CPU)
    assert generator.norm == pytest.approx(np.sqrt(DIM * (3**2 + 4**2)))
    with pytest.raises(UserError, match="released_norm"):
        load_released(settings(kandinsky), guide, {}, CPU)


def test_what_is_missing_or_does_not_go_together_is_said(tmp_path, kandinsky, guide):
    with pytest.raises(UserError, match=r"holds no model_index\.json"):
        load_released(settings(tmp_path), guide, {}, CPU)
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(UserError, match="FluxPipeline"):
        load_released(settings(tmp_path), guide, {}, CPU)
    wide = type("Wide", (), {"teacher": type("Teacher", (), {"dim": 17})})
    with pytest.raises(UserError, match="16 dimensions, the teacher's have 17"):
        load_released(settings(kandinsky, released_norm=1.0), wide, {}, CPU)
