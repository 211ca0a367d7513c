"""Models of transformers behind the encoder interface, with random weights at small width."""

import json

import numpy as np
import pytest
import torch
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTModel,
    ClapAudioConfig,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapTextConfig,
    Wav2Vec2FeatureExtractor,
    WavLMConfig,
    WavLMModel,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperModel,
)

from wavbrivl.config.evaluation import ModelConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.encoders.huggingface import cut

SMALL = {"num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 32}


def clap(fused):
    audio = ClapAudioConfig(
        patch_embeds_hidden_size=16, hidden_size=128, depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 2, 2],
        enable_fusion=fused, window_size=4,
    )  # fmt: skip
    text = ClapTextConfig(hidden_size=16, vocab_size=20, **SMALL)
    config = ClapConfig(audio_config=audio.to_dict(), text_config=text.to_dict(), projection_dim=24)
    return ClapModel(config), ClapFeatureExtractor(truncation="fusion" if fused else "rand_trunc")


def ast():
    model = ASTModel(ASTConfig(hidden_size=16, max_length=204, **SMALL))
    return model, ASTFeatureExtractor(max_length=204)


def whisper():
    config = WhisperConfig(
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, vocab_size=40, max_source_positions=100,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    return WhisperModel(config), WhisperFeatureExtractor(chunk_length=2)


def wavlm():
    config = WavLMConfig(hidden_size=16, conv_dim=[8] * 7, num_conv_pos_embeddings=8, **SMALL)
    return WavLMModel(config), Wav2Vec2FeatureExtractor(do_normalize=True)


MAKE = {
    "clap": lambda: clap(False), "fused": lambda: clap(True), "ast": ast, "whisper": whisper, "wavlm": wavlm
}  # fmt: skip
DIMS = {"clap": 24, "fused": 24, "ast": 16, "whisper": 16, "wavlm": 16}
RATES = {"clap": 48_000, "fused": 48_000, "ast": 16_000, "whisper": 16_000, "wavlm": 16_000}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    torch.manual_seed(0)
    for name, make in MAKE.items():
        for part in make():
            part.save_pretrained(root / name)
    models = {name: ModelConfig(kind="huggingface", path=str(root / name)) for name in MAKE}
    return EncoderSettings(torch.device("cpu"), 1, models=models)


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)


@pytest.mark.parametrize("name", MAKE)
def test_one_vector_a_sound_that_does_not_depend_on_its_neighbours(settings, name):
    encoder = load_encoder(name, settings)
    sounds = [noise(0.7), noise(0.01, 1), noise(0.7, 2), np.zeros(1, np.float32), noise(2.7, 3)]
    together = encoder.embed(sounds, 8).embedding
    assert (encoder.dim, encoder.rate) == (DIMS[name], RATES[name])
    assert together.shape == (5, encoder.dim)
    assert np.isfinite(together).all()
    alone = np.concatenate([encoder.embed([sound], 1).embedding for sound in sounds])
    assert together == pytest.approx(alone, abs=1e-4)
    assert not np.allclose(together[0], together[2], atol=1e-5)


@pytest.mark.parametrize("name", MAKE)
def test_frames_cover_the_sound_and_no_padding(settings, name):
    encoder = load_encoder(name, settings)
    for seconds in (0.01, 1.1, 3.3):
        (frames,) = encoder.frames([noise(seconds)], 4)
        assert frames.features.shape[0] == len(frames.seconds) >= 1
        assert (np.diff(frames.seconds) > 0).all()
        if seconds > 1:
            assert 0 <= frames.seconds[0] < 0.35
            assert seconds - 0.4 < frames.seconds[-1] < seconds


def test_a_long_sound_is_the_length_weighted_mean_of_its_windows(settings):
    encoder = load_encoder("whisper", settings)
    sound = noise(3.0)
    first, rest = encoder.embed([sound[:32_000], sound[32_000:]], 2).embedding
    assert encoder.embed([sound], 2).embedding[0] == pytest.approx((2 * first + rest) / 3, abs=1e-5)


def test_windows_hold_every_sample_once():
    windows = cut([np.zeros(n) for n in (1, 10, 25)], 10)
    assert [(w.sound, w.start, w.length) for w in windows] == [
        (0, 0, 1), (1, 0, 10), (2, 0, 10), (2, 10, 10), (2, 20, 5)
    ]  # fmt: skip


def test_a_window_that_the_model_cannot_hear_is_refused(settings):
    folder = settings.models["whisper"].path
    models = {"long": ModelConfig(kind="huggingface", path=folder, window_seconds=5)}
    with pytest.raises(UserError, match=r"evaluate\.models\.long\.window_seconds: 5 s.*2 s at most"):
        load_encoder("long", EncoderSettings(torch.device("cpu"), 1, models=models))


def test_folders_that_hold_no_audio_model_are_one_sentence(settings, tmp_path):
    bare, unknown = tmp_path / "bare", tmp_path / "unknown"
    for folder, config in ((bare, None), (unknown, {"model_type": "warp"})):
        folder.mkdir()
        if config:
            (folder / "config.json").write_text(json.dumps(config))
            (folder / "preprocessor_config.json").write_text("{}")
    for folder, words in ((bare, "holds no model"), (unknown, "no audio model that transformers can load")):
        models = {"it": ModelConfig(kind="huggingface", path=str(folder))}
        with pytest.raises(UserError, match=rf"evaluate\.models\.it: .*{words}") as caught:
            load_encoder("it", EncoderSettings(torch.device("cpu"), 1, models=models))
        assert "\n" not in str(caught.value)
