"""The objective against a slow loop in plain Python, finite differences, and for who gets a gradient."""

import math

import pytest
import torch
from tests.train_corpus import DIM, tiny_audio, tiny_training

from wavbrivl.audio.build import build_model
from wavbrivl.train.momentum import MomentumKeys, vectors_of
from wavbrivl.train.objective import Vectors, make_objective, unit_vectors

WIDTH, BATCH = 12, 4


def random_vectors(seed: int) -> Vectors:
    generator = torch.Generator().manual_seed(seed)
    widths = (WIDTH, WIDTH, DIM, DIM)
    return unit_vectors(*(torch.randn(BATCH, w, generator=generator) for w in widths))


def slow_contrast(query, positive, negatives, temperature):
    """Cross-entropy of one query; `negatives` are those that count."""
    others = [positive, *negatives]
    scores = [sum(float(q) * float(p) for q, p in zip(query, other, strict=True)) for other in others]
    weights = [math.exp(score / temperature) for score in scores]
    return -math.log(weights[0] / sum(weights))


class SlowQueues:
    """The last `size` entries as a plain list of (vectors, clip, video), oldest first."""

    def __init__(self, size):
        self.size, self.entries = size, []

    def add(self, keys, clips, videos):
        for i in range(len(clips)):
            row = {name: vectors[i].tolist() for name, vectors in zip(Vectors._fields, keys, strict=True)}
            self.entries.append((row, int(clips[i]), int(videos[i])))
        self.entries = self.entries[-self.size :]

    def loss(self, online, clips, videos, config):
        pairs = (("audio", "image"), ("image", "audio"), ("projection", "teacher"), ("teacher", "projection"))
        total = 0.0
        for query, positive in pairs:
            for i in range(len(clips)):
                others = [
                    row[positive]
                    for row, clip, video in self.entries
                    if (clip != int(clips[i]) if config.mask_same == "clip" else video != int(videos[i]))
                ]
                if config.batch_negatives:
                    ids = clips if config.mask_same == "clip" else videos
                    mates = [j for j in range(len(ids)) if int(ids[j]) != int(ids[i])]
                    others += [getattr(online, positive)[j].tolist() for j in mates]
                asked, wanted = getattr(online, query)[i].tolist(), getattr(online, positive)[i].tolist()
                total += slow_contrast(asked, wanted, others, config.temperature) / len(clips)
        return total if config.term_reduction == "sum" else total / 2


@pytest.mark.parametrize("mask_same", ["clip", "video"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("mates", [True, False])
def test_queue_loss_equals_a_slow_loop_while_queues_fill_and_wrap(mask_same, reduction, mates):
    values = {"mask_same": mask_same, "term_reduction": reduction, "batch_negatives": mates}
    config = tiny_training(queue_size=8, temperature=0.3, **values)
    objective, slow = make_objective(config, WIDTH, DIM), SlowQueues(8)
    for step in range(6):
        clips = torch.tensor([step, (step + 1) % 3, 7, 3 * step])
        videos = clips // 2
        online, keys = random_vectors(2 * step), random_vectors(2 * step + 1)
        loss = objective(online, clips, videos)
        expected = slow.loss(online, clips, videos, config)
        assert float(loss.total) == pytest.approx(expected, rel=1e-5, abs=1e-6)
        objective.enqueue(keys, clips, videos)
        slow.add(keys, clips, videos)


@pytest.mark.parametrize("mask_same", ["clip", "video"])
def test_in_batch_loss_equals_a_slow_loop(mask_same):
    config = tiny_training(loss="in_batch", mask_same=mask_same, temperature=0.2)
    clips, videos = torch.tensor([4, 1, 4, 0]), torch.tensor([2, 0, 2, 0])
    online = random_vectors(5)
    ids = clips if mask_same == "clip" else videos
    expected = 0.0
    pairs = (("audio", "image"), ("image", "audio"), ("projection", "teacher"), ("teacher", "projection"))
    for query, positive in pairs:
        for i in range(BATCH):
            others = [getattr(online, positive)[j].tolist() for j in range(BATCH) if ids[j] != ids[i]]
            asked, wanted = getattr(online, query)[i].tolist(), getattr(online, positive)[i].tolist()
            expected += slow_contrast(asked, wanted, others, 0.2) / BATCH / 2
    loss = make_objective(config, WIDTH, DIM)(online, clips, videos)
    assert float(loss.total) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["cxloss", "in_batch"])
def test_gradients_equal_finite_differences(name):
    objective = make_objective(tiny_training(loss=name, queue_size=4, temperature=0.5), WIDTH, DIM)
    ids = torch.arange(BATCH)
    objective.enqueue(random_vectors(1), torch.tensor([0, 8, 9, 2]), ids)
    objective.double()
    vectors = [v.double().requires_grad_() for v in random_vectors(2)]
    assert torch.autograd.gradcheck(lambda *v: objective(Vectors(*v), ids, ids).total, vectors)


def test_an_entry_of_the_positives_own_clip_changes_nothing():
    config = tiny_training(queue_size=8, batch_negatives=False)
    own, other = make_objective(config, WIDTH, DIM), make_objective(config, WIDTH, DIM)
    ids, online = torch.arange(BATCH), random_vectors(0)
    assert float(own(online, ids, ids).total) == 0.0  # nothing is filled yet
    own.enqueue(online, ids, ids)
    other.enqueue(online, ids + 100, ids)
    # Each query finds its own positive among the negatives of `other`, but not of `own`.
    assert float(own(online, ids, ids).total) < float(other(online, ids, ids).total)


@pytest.mark.parametrize("scope", ["heads", "full"])
@pytest.mark.parametrize("freeze", [False, True])
def test_all_that_should_learn_gets_a_gradient_and_nothing_else(scope, freeze):
    torch.manual_seed(0)
    model = build_model(tiny_audio(attention_layers=1, wavlm={"freeze": freeze}), DIM).train()
    momentum = MomentumKeys(model, 0.9, scope)
    objective = make_objective(tiny_training(), WIDTH, DIM)
    teacher = torch.nn.functional.normalize(torch.randn(BATCH, DIM), dim=-1).requires_grad_()
    values, ids = torch.randn(BATCH, 1600), torch.arange(BATCH)
    states = model.hidden_states(values)
    pooled = model.pooling(states)[1]
    keys = momentum.keys(values, states, pooled, teacher)
    assert not any(key.requires_grad for key in keys)
    objective.enqueue(keys, ids + 100, ids + 100)
    objective(vectors_of(model.heads, pooled, teacher.detach()), ids, ids).total.backward()
    for name, parameter in model.named_parameters():
        if freeze and name.startswith("wavlm."):
            assert parameter.grad is None, name
        elif not name.endswith("k_proj.bias"):  # softmax over keys does not see it
            assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
    assert teacher.grad is None
    assert all(p.grad is None and not p.requires_grad for p in momentum.parameters())


def test_each_direction_alone_teaches_what_it_should():
    model = build_model(tiny_audio(), DIM).train()
    objective = make_objective(tiny_training(), WIDTH, DIM)
    objective.enqueue(random_vectors(3), torch.arange(50, 54), torch.arange(50, 54))
    heads, ids = model.heads, torch.arange(BATCH)
    parts = objective(vectors_of(heads, torch.randn(BATCH, 16), random_vectors(4).teacher), ids, ids).parts
    learns = {
        "audio_to_image": {"mlp", "image_projection"},
        "image_to_audio": {"mlp", "image_projection"},
        "projection_to_teacher": {"mlp", "audio_projection"},
        "teacher_to_projection": {"mlp", "audio_projection"},
    }
    for name, expected in learns.items():
        heads.zero_grad(set_to_none=True)
        parts[name].backward(retain_graph=True)
        moved = {n.split(".")[0] for n, p in heads.named_parameters() if p.grad is not None and p.grad.any()}
        assert moved == expected, name


@pytest.mark.parametrize("freeze", [False, True])
@pytest.mark.parametrize("scope", ["heads", "full"])
def test_keys_come_from_the_running_mean_of_the_weights(scope, freeze):
    torch.manual_seed(1)
    model = build_model(tiny_audio(wavlm={"freeze": freeze}), DIM).eval()
    momentum = MomentumKeys(model, 0.75, scope)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    momentum.follow(model)
    values, teacher = torch.randn(BATCH, 1600), torch.randn(BATCH, DIM)
    with torch.no_grad():
        states = model.hidden_states(values)
        pooled = model.pooling(states)[1]
        keys = momentum.keys(values, states, pooled, teacher)
        for name, parameter in model.named_parameters():
            if scope == "full" or name.startswith("heads."):
                parameter.copy_(0.75 * before[name] + 0.25 * parameter)
        features = model(values).pooled if scope == "full" else pooled
        expected = vectors_of(model.heads, features, teacher)
    for got, wanted in zip(keys, expected, strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-6, rtol=1e-5)
