"""Batches: pure functions of seed and position, the same from memory and from the shards."""

import numpy as np
import pytest
from tests.train_corpus import DIM, FakeShards, write_embeddings

from wavbrivl.errors import UserError
from wavbrivl.train.augment import Augmentation
from wavbrivl.train.data import ImageEmbeddings, TrainingSet, prefetch
from wavbrivl.train.order import share_of_step

PLAIN = Augmentation(window=1600)
NOISY = Augmentation(window=1600, gain_db=6, noise_snr_db=(0, 20))


def corpus(tmp_path, augmentation, cache_mib=0, samples=2400, seed=3):
    shards = FakeShards("train", 10, samples)
    images = ImageEmbeddings(*write_embeddings(tmp_path, "train", shards), shards.clips)
    return TrainingSet(shards, images, augmentation, seed, cache_mib)


def test_a_batch_is_the_same_from_memory_and_from_shards_and_in_any_order(tmp_path):
    live, held = corpus(tmp_path, NOISY), corpus(tmp_path, NOISY, cache_mib=1)
    assert live.cache.held is None and held.cache.held is not None
    for step in (4, 0, 2):
        a, b = (data.batch(share_of_step(10, 3, step, 4)) for data in (live, held))
        for name in ("waveforms", "images", "clips", "videos"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert a.waveforms.dtype == a.images.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(a.images, axis=1), 1, atol=1e-6)
        assert (a.videos == a.clips // 2).all()


def test_crops_are_parts_of_their_clip_and_vary(tmp_path):
    data = corpus(tmp_path, PLAIN)
    starts = set()
    for step in range(12):
        batch = data.batch(share_of_step(10, 3, step, 2))
        for row, clip in zip(batch.waveforms, batch.clips, strict=True):
            whole = FakeShards("train", 10).audio(int(clip))
            windows = np.lib.stride_tricks.sliding_window_view(whole, 1600)
            found = np.flatnonzero((windows == row).all(axis=1))
            assert len(found) == 1
            starts.add(int(found[0]))
    assert len(starts) > 15


def test_each_frame_of_a_clip_is_drawn(tmp_path):
    data = corpus(tmp_path, PLAIN)
    seen = {i: set() for i in range(10)}
    for step in range(40):
        batch = data.batch(share_of_step(10, 3, step, 5))
        for clip, image in zip(batch.clips, batch.images, strict=True):
            matches = np.isclose(data.images.matrix[clip], image, atol=1e-6).all(axis=1)
            seen[int(clip)].add(int(np.flatnonzero(matches)[0]))
    assert all(frames == {0, 1} for frames in seen.values())


def test_gain_and_noise_stay_in_their_ranges(tmp_path):
    quiet = corpus(tmp_path, Augmentation(1600, gain_db=6), samples=1600)
    noisy = corpus(tmp_path, Augmentation(1600, noise_snr_db=(10, 20)), samples=1600)
    plain = corpus(tmp_path, PLAIN, samples=1600)
    for step in range(10):
        share = share_of_step(10, 3, step, 5)
        clean = plain.batch(share).waveforms
        gain = np.std(quiet.batch(share).waveforms, axis=1) / np.std(clean, axis=1)
        assert (np.abs(20 * np.log10(gain)) <= 6.001).all()
        noise = noisy.batch(share).waveforms - clean
        snr = 10 * np.log10(np.mean(clean**2, axis=1) / np.mean(noise**2, axis=1))
        assert ((snr > 9.5) & (snr < 20.5)).all()


def test_a_short_clip_is_repeated_to_the_window(tmp_path):
    data = corpus(tmp_path, PLAIN, samples=1000)
    batch = data.batch(share_of_step(10, 3, 0, 2))
    assert batch.waveforms.shape == (2, 1600)
    np.testing.assert_array_equal(batch.waveforms[:, 1000:], batch.waveforms[:, :600])


def test_embeddings_are_found_by_clip_id_whatever_their_order(tmp_path):
    shards = FakeShards("train", 6)
    matrix, table = write_embeddings(tmp_path, "train", shards)
    backwards = ImageEmbeddings(matrix, table, shards.clips[::-1])
    rows = np.load(matrix)[::-1]
    np.testing.assert_allclose(backwards.of_frames(np.arange(6), np.ones(6, int)), rows[:, 1], atol=1e-6)
    assert (backwards.dim, backwards.frames) == (DIM, 2)


def test_embeddings_that_do_not_fit_are_refused_by_name(tmp_path):
    few, many = FakeShards("train", 4), FakeShards("train", 6)
    matrix, table = write_embeddings(tmp_path, "train", few)
    with pytest.raises(UserError, match="train4_0_150"):
        ImageEmbeddings(matrix, table, many.clips)
    np.save(matrix, np.load(matrix)[:3])
    with pytest.raises(UserError, match=r"train\.npy"):
        ImageEmbeddings(matrix, table, few.clips)


def test_prefetch_keeps_order_and_hands_on_errors():
    def make(step: int) -> int:
        if step == 7:
            raise UserError("row 7 is broken")
        return step * step

    assert list(prefetch(make, range(2, 7), depth=2, threads=2)) == [4, 9, 16, 25, 36]
    done = []
    with pytest.raises(UserError, match="row 7"):
        for value in prefetch(make, range(5, 20)):
            done.append(value)
    assert done == [25, 36]
