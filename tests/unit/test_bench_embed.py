"""The embedding benchmark at toy size: what it returns, and that both ways compute the same."""

import numpy as np
import torch
from tests.teacher_samples import TINY

from wavbrivl.bench import embed
from wavbrivl.teacher.embed import EmbedPlan, embed_clips


def test_the_record_has_what_readers_rely_on(monkeypatch):
    monkeypatch.setattr(embed, "set_up", lambda seed: torch.device("cpu"))
    record = embed.embed_benchmark(TINY, images=6, batch_size=4, rounds=1)
    assert set(record) == {"name", "value", "unit", "against", "ratio", "wanted", "machine"}
    assert record["name"] == "embed_vs_forward" and record["value"] > 0 and record["ratio"] > 0
    assert "images per second" in record["unit"] and "batches of 4" in record["unit"]


def test_both_ways_see_the_same_pictures(tmp_path):
    teacher = embed._teacher(TINY, torch.device("cpu"))
    shards = embed._shard(tmp_path / "test-00000.tar", 3)
    with torch.no_grad():
        bare = torch.nn.functional.normalize(
            teacher.towers.imgencoder(embed._pixels(shards, teacher)), dim=-1
        )
    np.testing.assert_allclose(embed_clips(shards, teacher, EmbedPlan())[:, 0], bare.numpy(), atol=1e-5)
    assert 20_000 < len(shards.member(0, "360.jpg")) < 60_000
