"""Wav2CLIP and OpenL3, with random weights under the names and shapes of the published ones."""

import numpy as np
import pytest
import scipy.signal
import torch
from tests.published_models import openl3_kernels, write_openl3, write_wav2clip

from wavbrivl.config.evaluation import ModelConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.encoders import EncoderSettings, load_encoder
from wavbrivl.evaluate.encoders.openl3 import MelSpectrogram, OpenL3Network, cut_windows
from wavbrivl.evaluate.encoders.wav2clip import Wav2ClipNetwork
from wavbrivl.evaluate.kinds import absent_weights, weight_files

WAV2CLIP_KEYS = {
    "audio_encoder.spectrogram.window": (512,),
    "audio_encoder.conv1.weight": (64, 1, 7, 7),
    "audio_encoder.bn1.running_var": (64,),
    "audio_encoder.layer1.1.conv2.weight": (64, 64, 3, 3),
    "audio_encoder.layer2.0.downsample.0.weight": (128, 64, 1, 1),
    "audio_encoder.layer4.0.downsample.1.weight": (512,),
    "audio_encoder.layer4.1.bn2.num_batches_tracked": (),
    "audio_encoder.fc.weight": (1000, 512),
    "audio_transform.sequential.0.weight": (512, 512),
    "audio_transform.sequential.3.bias": (512,),
}
OPENL3_KEYS = {
    "speclayer.dft_real_kernels": (1025, 1, 2048),
    "speclayer.mel_basis": (256, 1025),
    "batch_normalization_1.running_mean": (1,),
    "batch_normalization_8.weight": (512,),
    "conv2d_1.weight": (64, 1, 3, 3),
    "conv2d_4.weight": (128, 128, 3, 3),
    "conv2d_7.bias": (512,),
    "audio_embedding_layer.weight": (512, 512, 3, 3),
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    write_wav2clip(folder / "Wav2CLIP.pt")
    write_openl3(folder / "openl3.pth.tar")
    torch.save({"conv1.weight": torch.zeros(3)}, folder / "other.pt")
    (folder / "broken.pt").write_bytes(b"no weights")
    models = {
        "wav2clip": ModelConfig(kind="wav2clip", path=str(folder / "Wav2CLIP.pt"), hop_seconds=0.25),
        "openl3": ModelConfig(kind="openl3", path=str(folder / "openl3.pth.tar"), hop_seconds=0.5),
        "other": ModelConfig(kind="wav2clip", path=str(folder / "other.pt")),
        "broken": ModelConfig(kind="openl3", path=str(folder / "broken.pt")),
        "absent": ModelConfig(kind="openl3", path=str(folder / "absent.pt")),
    }
    return EncoderSettings(torch.device("cpu"), 1, models=models)


def noise(seconds, rate=16_000, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)).astype(np.float32)


@pytest.mark.parametrize(
    ("network", "keys", "count"), [(Wav2ClipNetwork, WAV2CLIP_KEYS, 127), (OpenL3Network, OPENL3_KEYS, 59)]
)
def test_keys_and_shapes_are_the_published_ones(network, keys, count):
    state = network().state_dict()
    assert {key: tuple(state[key].shape) for key in keys} == keys
    assert len(state) == count


def test_wav2clip_reads_standardised_log_power():
    wave = noise(0.5)
    _, _, spectrum = scipy.signal.stft(
        np.pad(wave, 256, mode="reflect"), nperseg=512, noverlap=512 - 353, boundary=None, padded=False
    )
    power = np.log(np.abs(spectrum * 256) ** 2 + 1e-7)  # scipy divides by the window's sum, 256
    expected = (power - power.mean()) / power.std(ddof=1)
    found = Wav2ClipNetwork().spectrograms(torch.from_numpy(wave)[None])[0, 0].numpy()
    assert found == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("name", ["wav2clip", "openl3"])
def test_an_embedding_does_not_depend_on_its_neighbours(settings, name):
    encoder = load_encoder(name, settings)
    sounds = [noise(0.4), noise(0.02, seed=1), 30 * noise(0.4, seed=2), np.zeros(1, np.float32)]
    together = encoder.embed(sounds, 4).embedding
    assert together.shape == (4, encoder.dim) == (4, 512)
    assert np.isfinite(together).all()
    assert encoder.embed(sounds[2:3], 1).embedding[0] == pytest.approx(together[2], abs=1e-4)
    assert not np.allclose(together[0], together[2], atol=1e-3)


@pytest.mark.parametrize(("name", "middles"), [("wav2clip", [0.5, 0.75, 1.0]), ("openl3", [0.0, 0.5, 1.0])])
def test_frames_tell_their_time(settings, name, middles):
    encoder = load_encoder(name, settings)
    (frames,) = encoder.frames([noise(1.5)], 8)
    assert frames.seconds == pytest.approx(middles)
    assert frames.features.shape == (3, 512)


def test_wav2clip_of_one_second_is_its_only_frame(settings):
    encoder = load_encoder("wav2clip", settings)
    sound = noise(1.0)
    (frames,) = encoder.frames([sound], 8)
    assert frames.features[0] == pytest.approx(encoder.embed([sound], 1).embedding[0], abs=1e-4)


def test_openl3_reads_decibels_of_a_mel_spectrogram_below_their_maximum():
    layer = MelSpectrogram()
    openl3_kernels(layer)
    window = noise(1.0, 48_000)
    padded = torch.from_numpy(np.pad(window, 982))
    spectrum = torch.stft(
        padded, 2048, 242, window=torch.hann_window(2048), center=False, return_complex=True
    )
    amplitude = torch.sqrt(layer.mel_basis @ spectrum.abs() ** 2).clamp(min=1e-10)
    expected = 10 * torch.log10(amplitude / amplitude.max())
    found = layer(torch.from_numpy(window)[None])
    assert found.shape == (1, 1, 256, 199)
    assert found[0, 0].numpy() == pytest.approx(expected.clamp(min=-80).numpy(), abs=0.02)


@pytest.mark.parametrize(("seconds", "count"), [(0.01, 1), (0.5, 1), (0.51, 2), (1.0, 2), (1.6, 4)])
def test_openl3_hears_the_whole_sound_around_points_half_a_second_apart(seconds, count):
    sound = np.arange(1, round(seconds * 48_000) + 1, dtype=np.float32)
    windows = cut_windows(sound, 24_000)
    assert windows.shape == (count, 48_000)
    assert not windows[0, :24_000].any()
    assert windows.max() == len(sound), "the last sample is heard"


@pytest.mark.parametrize(
    ("name", "words"),
    [("other", "lacks the key"), ("broken", "not a file of weights"), ("absent", "no such file of weights")],
)
def test_wrong_weights_are_one_sentence_that_names_the_file(settings, name, words):
    with pytest.raises(UserError, match=rf"{name}\.pt: .*{words}") as caught:
        load_encoder(name, settings)
    assert "\n" not in str(caught.value)


def test_absent_weights_are_known_without_loading_anything(settings):
    names = ["wavbrivl", "random", "logmel", "supervised", "wav2clip", "absent"]
    absent = absent_weights(names, settings.models)
    assert list(absent) == ["absent"]
    assert absent["absent"].startswith("not measured: no weights at")
    assert "evaluate.models.absent.path" in absent["absent"]
    assert weight_files("wav2clip", settings.models) == [settings.models["wav2clip"].path]
    assert weight_files("logmel", settings.models) == []
