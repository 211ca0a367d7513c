"""The encoder's optional loudness feature: off, nothing changes to the last bit; on, gain is heard."""

import json

import numpy as np
import pytest
import torch
from tests.train_corpus import DIM, tiny_audio

from wavbrivl.audio.build import build_model
from wavbrivl.audio.embedding import embed_waveforms
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.errors import UserError


def model(**changes) -> WavBriVLModel:
    torch.manual_seed(4)
    return build_model(tiny_audio(**changes), DIM).eval()


def waves() -> torch.Tensor:
    return 0.1 * torch.randn(3, 1600, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layers", [0, 2])
@torch.no_grad()
def test_without_it_the_output_is_the_same_to_the_last_bit(layers):
    plain = model(attention_layers=layers)
    states = plain.hidden_states(waves())
    frames = sum(w * s for w, s in zip(plain.pooling.normalised_weights(), states, strict=True))
    if layers:
        frames = torch.nn.functional.normalize(frames, dim=-1)
    for layer in plain.pooling.attention:
        frames = layer(frames)
    output = plain(waves())
    assert torch.equal(output.frames, frames) and torch.equal(output.pooled, frames.mean(dim=1))
    assert torch.equal(output.embedding, plain.heads.mlp(frames.mean(dim=1)))


def test_a_model_saved_before_the_feature_existed_loads_as_it_was(tmp_path):
    before = model()
    before.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["loudness"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with torch.no_grad():
        again = WavBriVLModel.from_pretrained(tmp_path).eval()
        assert torch.equal(again(waves()).projection, before(waves()).projection)


@pytest.mark.parametrize("layers", [0, 2])
@torch.no_grad()
def test_with_it_the_pooled_vector_ends_with_the_log_rms(layers):
    loud = model(loudness=True, attention_layers=layers)
    output = loud(waves())
    width = loud.config.wavlm.hidden_size
    assert output.pooled.shape == (3, width + 1) and output.frames.shape[-1] == width
    expected = np.log10(waves().square().mean(dim=1).sqrt().numpy() + 1e-5)
    np.testing.assert_allclose(output.pooled[:, -1].numpy(), expected, rtol=1e-5)
    assert torch.isfinite(loud(torch.zeros(1, 1600)).projection).all()


def test_gain_moves_the_embedding_only_with_it():
    sounds = [wave.numpy() for wave in waves()]
    louder = [10 * sound for sound in sounds]
    cosines = {}
    for loudness in (False, True):
        encoder = model(loudness=loudness)
        one, other = (embed_waveforms(encoder, waveforms).projection for waveforms in (sounds, louder))
        cosines[loudness] = float((one * other).sum(axis=1).min())
    assert cosines[False] > 0.999 > cosines[True]


def test_the_loudness_weights_learn():
    loud = model(loudness=True).train()
    loud(waves()).projection.pow(2).sum().backward()
    assert loud.heads.mlp[0].weight.grad[:, -1].abs().max() > 0


def test_a_standardised_backbone_has_no_loudness_to_give(tmp_path):
    from transformers import WavLMModel

    config = model().config.wavlm
    config.feat_extract_norm, config.conv_bias = "layer", True
    WavLMModel(config).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"audio_encoder\.loudness"):
        model(wavlm={"pretrained": str(tmp_path)}, loudness=True)
