"""The encoder as a module and as a folder: what it computes, what learns, what is saved."""

import json

import numpy as np
import pytest
import torch
from tests.train_corpus import DIM, tiny_audio
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, WavLMConfig, WavLMModel

from wavbrivl.audio.build import build_model
from wavbrivl.audio.configuration import WavBriVLConfig
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.audio.processing import WavBriVLProcessor
from wavbrivl.errors import UserError


def large_style() -> WavBriVLModel:
    """Layer-normed convolutions and pre-norm transformer, as in WavLM large."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    quiet = {"layerdrop": 0.0, "mask_time_prob": 0.0, "num_conv_pos_embeddings": 8}
    norms = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
    wavlm = WavLMConfig(conv_dim=[4] * 7, **sizes, **quiet, **norms)
    return WavBriVLModel(WavBriVLConfig(wavlm=wavlm, embedding_dim=12, teacher_dim=DIM, window_seconds=0.1))


def base_style(**changes) -> WavBriVLModel:
    torch.manual_seed(0)
    return build_model(tiny_audio(**changes), DIM)


def waves(count: int = 3, samples: int = 1600) -> torch.Tensor:
    return torch.randn(count, samples, generator=torch.Generator().manual_seed(1))


def test_output_shapes_and_weighted_sum_of_all_hidden_states():
    model = base_style().eval()
    with torch.no_grad():
        model.pooling.layer_weights.copy_(torch.tensor([0.0, 1.0, -1.0]))
        output = model(waves())
        reference = model.wavlm(waves(), output_hidden_states=True).hidden_states
    share = np.exp([0.0, 1.0, -1.0]) / np.exp([0.0, 1.0, -1.0]).sum()
    expected = sum(w * h.numpy() for w, h in zip(share, reference, strict=True))
    np.testing.assert_allclose(output.frames.numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(output.pooled.numpy(), expected.mean(axis=1), atol=1e-6)
    assert output.embedding.shape == (3, 12)
    assert output.projection.shape == (3, DIM)
    assert model.project_images(torch.zeros(5, DIM)).shape == (5, 12)


@pytest.mark.parametrize("model", [base_style(attention_layers=2), large_style()], ids=["base", "large"])
def test_every_trained_parameter_gets_a_gradient(model):
    model.train()
    output = model(waves())
    images = model.project_images(torch.randn(3, DIM, generator=torch.Generator().manual_seed(2)))
    target = torch.randn(3, 12, generator=torch.Generator().manual_seed(3))
    ((output.embedding - target) ** 2).sum().add(output.projection.pow(3).sum()).add(images.sum()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if name.endswith("k_proj.bias"):  # softmax over keys does not see a constant added to all of them
            continue
        assert parameter.grad.abs().max() > 0, name


def test_frozen_backbone_stays_in_evaluation_mode_and_without_gradient():
    model = base_style(wavlm={"freeze": True, "dropout": 0.5}).train()
    assert not model.wavlm.training
    model(waves()).projection.sum().backward()
    assert all(p.grad is None for p in model.wavlm.parameters())
    assert model.pooling.layer_weights.grad.abs().max() > 0
    torch.testing.assert_close(model(waves()).embedding, model(waves()).embedding, rtol=0, atol=0)


def test_no_layer_is_dropped_and_nothing_is_masked_in_training():
    model = base_style().train()
    torch.testing.assert_close(model(waves()).embedding, model(waves()).embedding, rtol=0, atol=0)


@pytest.mark.parametrize("model", [base_style(attention_layers=1), large_style()], ids=["base", "large"])
def test_saved_folder_gives_the_same_embeddings(model, tmp_path):
    model.eval().save_pretrained(tmp_path)
    WavBriVLProcessor.for_config(model.config).save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    again = AutoModel.from_pretrained(tmp_path).eval()
    assert isinstance(again, WavBriVLModel)
    assert AutoConfig.from_pretrained(tmp_path).wavlm.conv_dim == model.config.wavlm.conv_dim
    with torch.no_grad():
        torch.testing.assert_close(again(waves()).projection, model(waves()).projection, rtol=0, atol=0)
    processor = AutoFeatureExtractor.from_pretrained(tmp_path)
    assert processor.do_normalize == (model.config.wavlm.feat_extract_norm == "layer")


def test_pretrained_backbone_is_taken_over_and_an_incomplete_one_is_refused(tmp_path):
    torch.manual_seed(9)
    published = base_style().config.wavlm
    published.mask_time_prob, published.apply_spec_augment, published.layerdrop = 0.05, True, 0.1
    backbone = WavLMModel(published)
    backbone.save_pretrained(tmp_path / "wavlm")
    model = build_model(tiny_audio(wavlm={"pretrained": str(tmp_path / "wavlm")}), DIM)
    for name, weight in backbone.state_dict().items():
        torch.testing.assert_close(model.wavlm.state_dict()[name], weight, rtol=0, atol=0)
    assert model.config.wavlm.layerdrop == 0 and not model.config.wavlm.apply_spec_augment
    assert not model.wavlm.masked_spec_embed.requires_grad

    config = json.loads((tmp_path / "wavlm" / "config.json").read_text())
    config["num_hidden_layers"] = 3
    (tmp_path / "wavlm" / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="lacks"):
        build_model(tiny_audio(wavlm={"pretrained": str(tmp_path / "wavlm")}), DIM)
    with pytest.raises(UserError, match=r"audio_encoder\.wavlm\.pretrained"):
        build_model(tiny_audio(wavlm={"pretrained": str(tmp_path / "nothing")}), DIM)


def test_processor_refuses_what_would_be_embedded_wrongly():
    processor = WavBriVLProcessor()
    sound = np.random.default_rng(0).normal(size=1600)
    assert processor(sound, sampling_rate=16000, return_tensors="pt")["input_values"].shape == (1, 1600)
    assert processor([sound, sound], sampling_rate=16000)["input_values"].shape == (2, 1600)
    with pytest.raises(ValueError, match="44100"):
        processor(sound, sampling_rate=44100)
    with pytest.warns(UserWarning, match="sampling_rate"):
        processor(sound)
    with pytest.raises(ValueError, match="share a batch"):
        processor([sound, sound[:-1]], sampling_rate=16000)
    with pytest.raises(ValueError, match="mono"):
        processor(np.zeros((1, 2, 1600)), sampling_rate=16000)
    with pytest.raises(ValueError, match="at least 400"):
        processor(sound[:399], sampling_rate=16000)


def test_processor_standardises_for_large_only():
    sound = 3 + 0.1 * np.random.default_rng(0).normal(size=1600)
    plain = WavBriVLProcessor.for_config(base_style().config)(sound, 16000)["input_values"]
    np.testing.assert_allclose(plain[0], sound, rtol=1e-6)
    standard = WavBriVLProcessor.for_config(large_style().config)(sound, 16000)["input_values"]
    assert abs(standard.mean()) < 1e-5 and abs(standard.std() - 1) < 1e-3
