"""The benchmarks of training, at the smallest size: they run, and compare what they say."""

import numpy as np
import pytest
from tests.train_corpus import tiny_audio, tiny_training

from wavbrivl import compute
from wavbrivl.bench import training
from wavbrivl.bench.memory import peak_mib, reset_peak
from wavbrivl.config import Config


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two threads that wait for each other are slow where tests run side by side."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compute, "THREADS", 1)
        yield


@pytest.fixture
def config():
    whole = Config()
    values = {"steps": 3, "batch_size": 2, "log_every": 1, "cache_mib": 0, "validate_every": 1000}
    return whole.model_copy(
        update={
            "audio_encoder": tiny_audio(window_seconds=2.0),
            "training": tiny_training(**values, noise_snr_db=None, gain_db=0),
        }
    )


@pytest.mark.parametrize("measure", [training.train_vs_memory, training.train_cached_vs_live])
def test_a_record_of_training(config, measure):
    record = measure(config)
    assert record["name"] == measure.__name__
    assert record["value"] > 0 and record["against"]["value"] > 0 and record["peak_mib"]["against"] > 0
    assert record["ratio"] == pytest.approx(record["value"] / record["against"]["value"], rel=0.05)


def test_all_sides_see_the_same_clips(config, tmp_path):
    material = training.make_material(tmp_path, config, clips=4)
    data = training._training_set(material, config)
    memory = training.FromMemory(data, 3, 2)
    tower = training.ImageTower(config.teacher.image, config.teacher.embedding_dim)
    live = training.Live(material.files, tower, config.corpus.clip_seconds, training.torch.device("cpu"))
    share = training.share_of_step(4, training.SEED, 1, 2)
    ours, held, decoded = data.batch(share), memory.batch(share), live.batch(share)
    np.testing.assert_array_equal(held.waveforms, ours.waveforms)
    # Through FLAC's 16 bits, or straight from the decoder.
    np.testing.assert_allclose(decoded.waveforms, ours.waveforms, atol=1e-4)
    assert decoded.images.shape == ours.images.shape


def test_the_peak_is_forgotten():
    device = training.torch.device("cpu")
    reset_peak(device)
    held = np.ones(2**26)
    before = peak_mib(device)
    del held
    reset_peak(device)
    assert peak_mib(device) < before - 200
