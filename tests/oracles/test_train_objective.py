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


@pytest.mark.parametrize("mask_same", ["clip", "video"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_siglip_loss_equals_a_slow_loop(mask_same, reduction):
    values = {"mask_same": mask_same, "term_reduction": reduction, "temperature": 0.2, "siglip_bias": -3}
    objective = make_objective(tiny_training(loss="siglip", **values), WIDTH, DIM)
    with torch.no_grad():  # as if the two spaces had learnt different scales and biases
        objective.log_scale[1] += 0.4
        objective.bias[1] -= 0.7
    clips, videos = torch.tensor([4, 1, 4, 0]), torch.tensor([2, 0, 2, 0])
    online, ids = random_vectors(6), clips if mask_same == "clip" else videos
    expected = 0.0
    spaces = ((5, -3, "audio", "image"), (5 * math.exp(0.4), -3.7, "projection", "teacher"))
    for scale, bias, left, right in spaces:
        for i in range(BATCH):
            for j in range(BATCH):
                if i != j and ids[i] == ids[j]:
                    continue
                pair = zip(getattr(online, left)[i], getattr(online, right)[j], strict=True)
                logit = scale * sum(float(x) * float(y) for x, y in pair) + bias
                sign = 1 if i == j else -1
                expected -= math.log(1 / (1 + math.exp(-sign * logit))) / BATCH
    loss = objective(online, clips, videos).total.detach()
    assert float(loss) == pytest.approx(expected / (2 if reduction == "mean" else 1), rel=1e-5)


@pytest.mark.parametrize("name", ["cxloss", "in_batch", "siglip"])
def test_gradients_equal_finite_differences(name):
    objective = make_objective(tiny_training(loss=name, queue_size=4, temperature=0.5), WIDTH, DIM)
    ids = torch.arange(BATCH)
    objective.enqueue(random_vectors(1), torch.tensor([0, 8, 9, 2]), ids)
    objective.double()
    vectors = [v.double().requires_grad_() for v in random_vectors(2)]
    learnt = list(objective.parameters())
    assert len(learnt) == (2 if name == "siglip" else 0)
    total = lambda *inputs: objective(Vectors(*inputs[:4]), ids, ids).total  # noqa: E731
    assert torch.autograd.gradcheck(total, (*vectors, *learnt))


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
@pytest.mark.parametrize("name", ["cxloss", "in_batch", "siglip"])
def test_all_that_should_learn_gets_a_gradient_and_nothing_else(name, scope, freeze):
    torch.manual_seed(0)
    model = build_model(tiny_audio(attention_layers=1, wavlm={"freeze": freeze}), DIM).train()
    momentum = MomentumKeys(model, 0.9, scope)
    objective = make_objective(tiny_training(loss=name), WIDTH, DIM)
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
    assert all(p.grad is not None and p.grad.all() for p in objective.parameters())
    assert all(p.grad is None and not p.requires_grad for p in momentum.parameters())


AUDIO_SPACE, TEACHER_SPACE = {"mlp", "image_projection"}, {"mlp", "audio_projection"}
DIRECTIONS = {
    "audio_to_image": AUDIO_SPACE,
    "image_to_audio": AUDIO_SPACE,
    "projection_to_teacher": TEACHER_SPACE,
    "teacher_to_projection": TEACHER_SPACE,
}
LEARNS = {
    "cxloss": DIRECTIONS,
    "in_batch": DIRECTIONS,
    "siglip": {"audio_space": AUDIO_SPACE, "teacher_space": TEACHER_SPACE},
}


@pytest.mark.parametrize("name", LEARNS)
def test_each_part_of_the_loss_teaches_what_it_should(name):
    model = build_model(tiny_audio(), DIM).train()
    objective = make_objective(tiny_training(loss=name), WIDTH, DIM)
    objective.enqueue(random_vectors(3), torch.arange(50, 54), torch.arange(50, 54))
    heads, ids = model.heads, torch.arange(BATCH)
    parts = objective(vectors_of(heads, torch.randn(BATCH, 16), random_vectors(4).teacher), ids, ids).parts
    assert parts.keys() == LEARNS[name].keys()
    for part, expected in LEARNS[name].items():
        heads.zero_grad(set_to_none=True)
        parts[part].backward(retain_graph=True)
        moved = {n.split(".")[0] for n, p in heads.named_parameters() if p.grad is not None and p.grad.any()}
        assert moved == expected, part


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
