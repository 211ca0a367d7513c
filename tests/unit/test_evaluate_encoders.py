"""Sound files and the encoder interface."""

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from wavbrivl.config.evaluation import ModelConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.audio_files import read_audio
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder


def tone(seconds, rate, pitch=440.0):
    return 0.4 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize(("channels", "subtype"), [(1, "PCM_16"), (2, "PCM_24"), (1, "PCM_U8"), (2, "FLOAT")])
def test_any_rate_depth_and_channels_become_16_khz_mono(tmp_path, rate, channels, subtype):
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.stack([tone(1.0, rate)] * channels, axis=1), rate, subtype=subtype)
    sound = read_audio(path)
    assert sound.dtype == np.float32
    assert sound.shape == (16_000,)
    assert np.abs(np.fft.rfft(sound)).argmax() == 440
    assert np.abs(sound).max() == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "PCM_32", "DOUBLE"])
def test_rare_encodings_are_read_too(tmp_path, subtype):
    soundfile.write(tmp_path / "rare.wav", tone(0.5, 22_050), 22_050, subtype=subtype)
    assert np.abs(np.fft.rfft(read_audio(tmp_path / "rare.wav")[:8000])).argmax() == 220


def test_a_sound_is_read_at_the_rate_that_an_encoder_wants(tmp_path):
    soundfile.write(tmp_path / "tone.wav", tone(1.0, 44_100, 9000), 44_100)
    sound = read_audio(tmp_path / "tone.wav", 48_000)
    assert (sound.shape, np.abs(np.fft.rfft(sound)).argmax()) == ((48_000,), 9000)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a readable"), (b"RIFF0000WAVE", "not a readable"), (None, "no such sound file")],
)
def test_an_unreadable_file_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "broken.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"broken\.wav: .*{message}") as caught:
        read_audio(path)
    assert "\n" not in str(caught.value)


def test_samples_that_are_not_numbers_are_refused(tmp_path):
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan, 0.2]), 16_000, subtype="FLOAT")
    with pytest.raises(UserError, match="not numbers"):
        read_audio(tmp_path / "nan.wav")


def test_log_mel_statistics_of_any_length():
    encoder = load_encoder("logmel", EncoderSettings(device="cpu", seed=0))
    lengths = [1, 100, 1023, 1024, 16_000, 80_000]
    sounds = [
        tone(1, 16_000)[:n].astype(np.float32) if n <= 16_000 else np.zeros(n, np.float32) for n in lengths
    ]
    together = encoder.embed(sounds, 4)
    assert together.embedding.shape == (6, encoder.dim)
    assert together.projection is None
    assert np.isfinite(together.embedding).all()
    for i, sound in enumerate(sounds):
        assert np.array_equal(encoder.embed([sound], 1).embedding[0], together.embedding[i])


def test_sounds_at_another_rate_are_resampled_by_the_encoder():
    encoder = load_encoder("logmel", EncoderSettings(device="cpu", seed=0))
    fast, slow = (tone(1.0, rate).astype(np.float32) for rate in (48_000, 16_000))
    assert encoder.embed([fast], 1, 48_000).embedding == pytest.approx(
        encoder.embed([slow], 1).embedding, abs=0.6
    )
    assert len(encoder.frames([fast], 1, 48_000)[0].seconds) == 100


def test_log_mel_mean_follows_the_level():
    encoder = load_encoder("logmel", EncoderSettings(device="cpu", seed=0))
    noise = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    quiet, loud = encoder.embed([0.1 * noise, noise], 2).embedding
    assert loud[:64] - quiet[:64] == pytest.approx(np.full(64, 2 * np.log(10)), abs=0.05)
    assert loud[64:] == pytest.approx(quiet[64:], abs=0.05)


FOREIGN = """
class Whole:
    dim = rate = 8
    def __init__(self, settings, name):
        self.name = name
    def embed(self, waveforms, batch_size, rate=16_000): ...
    def frames(self, waveforms, batch_size, rate=16_000): ...

class Mute(Whole):
    frames = None

class Flat(Whole):
    dim = 0

class Nameless(Whole):
    def __init__(self, settings, name): ...

number = 3
"""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("their_sounds:Mute", "is no encoder: frames is not"),
        ("their_sounds:Flat", "is no encoder: dim is not"),
        ("their_sounds:Nameless", "is no encoder: name is not"),
        ("their_sounds:number", "has no class 'number'"),
        ("their_sounds:Other", "has no class 'Other'"),
        ("their_broken:Whole", "'their_broken' cannot be imported (No module named 'nowhere')"),
        ("their_absent:Whole", "'their_absent' cannot be imported"),
    ],
)
def test_a_class_of_somebody_else_has_to_have_the_interface(tmp_path, monkeypatch, kind, words):
    (tmp_path / "their_sounds.py").write_text(FOREIGN)
    (tmp_path / "their_broken.py").write_text("import nowhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    models = {"mine": ModelConfig(kind=kind), "whole": ModelConfig(kind="their_sounds:Whole")}
    settings = EncoderSettings(device="cpu", seed=0, models=models)
    assert load_encoder("whole", settings).name == "whole"
    with pytest.raises(UserError, match=r"^evaluate\.models\.mine\.kind: ") as caught:
        load_encoder("mine", settings)
    assert words in str(caught.value)


def test_a_kind_is_a_name_or_a_class():
    for kind in ("clap", "a.b", "a:b:C", ":C", "../a:C", "a b:C"):
        with pytest.raises(ValidationError, match="or module:Class"):
            ModelConfig(kind=kind, path="x")
    with pytest.raises(ValidationError, match="either path or id"):
        ModelConfig(kind="openl3")


def test_unknown_names_and_missing_models_are_refused(tmp_path):
    settings = EncoderSettings(device="cpu", seed=0, model=tmp_path)
    with pytest.raises(UserError, match="no encoder 'clap'"):
        load_encoder("clap", settings)
    with pytest.raises(UserError, match="not a model folder"):
        load_encoder("wavbrivl", settings)
