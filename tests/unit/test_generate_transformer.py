"""The transformer: drawing with and without cache, priming, what a token is drawn from."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavbrivl.config.generation import TransformerConfig
from wavbrivl.generate.transformer import Sampling, Start, Transformer, pad_texts, pick

CONFIG = TransformerConfig(width=16, layers=2, heads=2, text_length=3, prefix_length=2)


@pytest.fixture(scope="module")
def transformer() -> Transformer:
    torch.manual_seed(5)
    network = Transformer(CONFIG, dim=8, vocabulary=7, codes=10, grid=4).eval()
    for parameter in network.parameters():  # far from uniform, so that a wrong position would show
        parameter.data.mul_(3)
    return network


def start(transformer: Transformer, count: int = 5) -> Start:
    torch.manual_seed(count)
    text = torch.randint(0, 7, (count, CONFIG.text_length))
    text[0] = transformer.empty_text
    prefix = torch.arange(count) % 3 != 1
    return Start(torch.nn.functional.normalize(torch.randn(count, 8), dim=1), prefix, text)


@pytest.mark.parametrize("guidance", [1.0, 2.5])
@pytest.mark.parametrize("primed", [0, 6])
def test_the_cache_changes_nothing(transformer, guidance, primed):
    begun = start(transformer)
    uniform = torch.rand(5, 16, generator=torch.Generator().manual_seed(1))
    first = torch.randint(0, 10, (5, primed)) if primed else None
    sampling = Sampling(temperature=0.9, top_k=7, top_p=0.95, guidance=guidance)
    with_cache = transformer.draw(begun, uniform, sampling, first)
    without = transformer.draw(begun, uniform, sampling, first, use_cache=False)
    assert torch.equal(with_cache, without)
    assert with_cache.shape == (5, 16) and len(with_cache.unique()) > 3
    if first is not None:
        assert torch.equal(with_cache[:, :primed], first)


def test_drawing_agrees_with_what_training_predicts(transformer):
    """The likeliest token at each place by the training pass is what greedy drawing takes."""
    begun = start(transformer)
    greedy = transformer.draw(begun, torch.zeros(5, 16), Sampling(top_k=1))
    with torch.no_grad():
        sequence = transformer.sequence(begun, greedy, transformer.fused(begun))[:, :-1]
        hidden = transformer.decoder(inputs_embeds=sequence).last_hidden_state
        logits = transformer.image_head(hidden[:, transformer.start_length - 1 :])
    assert torch.equal(logits.argmax(dim=-1), greedy)


def test_a_row_does_not_depend_on_the_others(transformer):
    begun = start(transformer)
    uniform = torch.rand(5, 16, generator=torch.Generator().manual_seed(2))
    sampling = Sampling(guidance=2.0)
    whole = transformer.draw(begun, uniform, sampling)
    alone = transformer.draw(begun.rows(slice(3, 4)), uniform[3:4], sampling)
    assert torch.equal(whole[3:4], alone)


def test_prefix_and_text_matter_and_their_absence_is_the_same_for_all(transformer):
    begun = start(transformer)
    begun = Start(begun.vectors, torch.ones(5, dtype=torch.bool), begun.text)
    with torch.no_grad():
        given = transformer.begin(begun)
        empty = transformer.begin(
            Start(begun.vectors, torch.zeros(5, dtype=torch.bool), transformer.empty_text.repeat(5, 1))
        )
    assert not torch.allclose(given[0], given[1])
    assert torch.equal(empty[0], empty[4])


def test_loss_is_the_cross_entropy_of_shifted_tokens(transformer):
    begun = start(transformer)
    codes = torch.randint(0, 10, (5, 16))
    with torch.no_grad():
        loss, parts = transformer.loss(begun, codes)
        expected = 0.0
        for place in range(16):  # one token at a time, from a sequence that ends before it
            sequence = transformer.sequence(begun, codes[:, :place], transformer.fused(begun))
            hidden = transformer.decoder(inputs_embeds=sequence).last_hidden_state[:, -1]
            logits = transformer.image_head(hidden)
            expected += torch.nn.functional.cross_entropy(logits, codes[:, place]).item() / 16
    assert parts["image"] == pytest.approx(expected, rel=1e-4)
    assert loss.item() == pytest.approx(parts["text"] / 8 + parts["image"] * 7 / 8, rel=1e-5)


@given(st.integers(0, 10_000), st.integers(0, 6), st.floats(0.05, 1.0), st.floats(0.2, 3.0))
@settings(max_examples=60, deadline=None)
def test_a_token_is_drawn_as_by_definition(seed, top_k, top_p, temperature):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(1, 6)) * 2
    uniform = random.random(1)
    sampling = Sampling(temperature, top_k, top_p)
    found = pick(torch.from_numpy(logits), torch.from_numpy(uniform), sampling).item()
    assert found == _by_definition(logits[0], float(uniform[0]), sampling)


def _by_definition(logits: np.ndarray, uniform: float, sampling: Sampling) -> int:
    order = sorted(range(len(logits)), key=lambda i: -logits[i])
    weights = {i: float(np.exp(logits[i] / sampling.temperature)) for i in order}
    kept = order[: sampling.top_k or None]
    total = sum(weights[i] for i in kept)
    nucleus, mass = [], 0.0
    for token in kept:
        if mass >= sampling.top_p:
            break
        nucleus.append(token)
        mass += weights[token] / total
    target, passed = uniform * mass, 0.0
    for token in nucleus:
        passed += weights[token] / total
        if passed > target:
            return token
    return nucleus[-1]


def test_tokens_come_as_often_as_they_are_likely():
    logits = torch.tensor([[1.0, 0.0, -1.0]]).repeat(20000, 1)
    uniform = torch.rand(20000, generator=torch.Generator().manual_seed(3))
    share = torch.bincount(pick(logits, uniform, Sampling()), minlength=3) / 20000
    torch.testing.assert_close(share, logits[0].softmax(0), atol=0.015, rtol=0)


def test_texts_lose_their_marks_and_are_padded_by_place():
    ids = torch.tensor([[2, 9, 8, 3, 0, 0], [2, 3, 0, 0, 0, 0], [2, 5, 6, 7, 9, 3]])
    mask = ids != 0
    assert pad_texts(ids, mask, 3, 100).tolist() == [[9, 8, 102], [100, 101, 102], [5, 6, 7]]
