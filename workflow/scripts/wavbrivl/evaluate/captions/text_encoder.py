"""A small text encoder that meets the frozen embeddings of sounds in one space.

It is trained from nothing on the development captions against one encoder's embeddings, by symmetric
InfoNCE, in the same way for every encoder, and it is no part of any of them. Sounds are compared by
what sets them apart from the mean of the development sounds: an encoder that says the same of every
sound then has no direction at all, ties with every text, and scores exactly chance in both directions.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from wavbrivl.config.captions import CaptionRetrievalConfig
from wavbrivl.evaluate.captions.training import make_optimiser, take_step
from wavbrivl.evaluate.captions.words import PAD, Vocabulary, build_vocabulary, padded
from wavbrivl.evaluate.probe import standardiser
from wavbrivl.progress import track

LONGEST_WORDS = 40
_BATCH = 256
_SAME = 1e-5
"""Unit vectors nearer to their mean than this are the mean: float32 does not tell them apart."""


class TwoTowers(nn.Module):
    """A transformer over words and an MLP over embeddings of sounds, into one space of unit vectors."""

    def __init__(self, dim: int, words: int, config: CaptionRetrievalConfig):
        super().__init__()
        self.words = BertModel(
            BertConfig(
                vocab_size=words,
                hidden_size=config.width,
                num_hidden_layers=config.layers,
                num_attention_heads=config.heads,
                intermediate_size=config.feedforward,
                hidden_dropout_prob=config.dropout,
                attention_probs_dropout_prob=config.dropout,
                max_position_embeddings=LONGEST_WORDS + 2,
                pad_token_id=PAD,
            ),
            add_pooling_layer=False,
        )
        self.text = nn.Linear(config.width, config.embedding_dim)
        self.sound = nn.Sequential(
            nn.Linear(dim, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.embedding_dim),
        )

    def embed_texts(self, numbers: Tensor) -> Tensor:
        """Word numbers [batch, length], padded, to unit vectors [batch, embedding_dim]."""
        mask = (numbers != PAD).long()
        states = self.words(input_ids=numbers, attention_mask=mask).last_hidden_state
        weights = mask[..., None].to(states.dtype)
        pooled = (states * weights).sum(dim=1) / weights.sum(dim=1)
        return functional.normalize(self.text(pooled), dim=-1)

    def embed_sounds(self, embeddings: Tensor) -> Tensor:
        """Standardised embeddings [batch, dim] to unit vectors [batch, embedding_dim]."""
        return functional.normalize(self.sound(embeddings), dim=-1)


@dataclass(frozen=True)
class Met:
    """Both sides in one space: functions to float32 [n, embedding_dim], of any length.

    Attributes:
        texts, sounds: from captions, and from embeddings of sounds.
        step: whose weights were kept.
        words: size of the vocabulary.
    """

    texts: Callable[[Sequence[str]], np.ndarray]
    sounds: Callable[[np.ndarray], np.ndarray]
    step: int
    words: int


Judge = Callable[[np.ndarray, np.ndarray], float]
"""From embedded validation sounds and their captions to a number, higher is better."""


def fit_towers(
    embeddings: np.ndarray,
    captions: Sequence[Sequence[str]],
    validation: np.ndarray,
    validation_captions: Sequence[Sequence[str]],
    judge: Judge,
    config: CaptionRetrievalConfig,
    seed: int,
    device: torch.device | str = "cpu",
    what: str = "text encoder",
) -> Met:
    """Train both towers.

    Args:
        embeddings: of the development sounds, [n, dim].
        captions: of each of them.
        validation, validation_captions: what the weights are chosen on, by `judge`.
        seed: of first weights, order and dropout; the global generator is left as it was.
    """
    vocabulary = build_vocabulary(caption for of_one in captions for caption in of_one)
    numbers = [[vocabulary.encode(caption, LONGEST_WORDS) for caption in of_one] for of_one in captions]
    scale = standardiser(embeddings)
    inputs = scale(embeddings).to(device)
    flat = [caption for of_one in validation_captions for caption in of_one]
    best, best_step, kept = -np.inf, 0, None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        towers = TwoTowers(embeddings.shape[1], len(vocabulary), config).to(device)
        optimiser, schedule = make_optimiser(towers, config.learning_rate, config.steps)
        batches = _endless(len(numbers), min(config.batch_size, len(numbers)))
        for step in track(range(1, config.steps + 1), f"{what} steps"):
            towers.train()
            rows = next(batches)
            chosen = [numbers[i][int(torch.randint(len(numbers[i]), ()))] for i in rows]
            texts = torch.tensor(padded(chosen), device=device)
            loss = contrast(
                towers.embed_sounds(inputs[rows]), towers.embed_texts(texts), texts, config.temperature
            )
            take_step(loss, towers, optimiser, schedule)
            if step % config.validate_every == 0 or step == config.steps:
                sounds = apart(_sounds(towers, scale(validation)), _sounds(towers, inputs))
                found = judge(sounds, _texts(towers, vocabulary, flat))
                if found > best:
                    best, best_step, kept = found, step, copy.deepcopy(towers.state_dict())
    towers.load_state_dict(kept or towers.state_dict())
    known = _sounds(towers, inputs)
    return Met(
        lambda others: _texts(towers, vocabulary, others),
        lambda others: apart(_sounds(towers, scale(others)), known),
        best_step,
        len(vocabulary),
    )


def contrast(sounds: Tensor, texts: Tensor, numbers: Tensor, temperature: float) -> Tensor:
    """Symmetric InfoNCE over a batch of pairs; a sound of the same words is no wrong answer.

    Args:
        sounds, texts: unit vectors [batch, dim], row i of one belongs to row i of the other.
        numbers: the words of each text, padded, [batch, length].
    """
    logits = sounds @ texts.T / temperature
    same = (numbers[:, None] == numbers[None]).all(dim=-1)
    same.fill_diagonal_(False)
    logits = logits.masked_fill(same, float("-inf"))
    own = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2


def _endless(count: int, size: int) -> Iterator[list[int]]:
    """Shuffled rounds over the sounds; a batch never holds one twice."""
    while True:
        for batch in torch.randperm(count).split(size):
            if len(batch) == size:
                yield batch.tolist()


@torch.no_grad()
def _texts(towers: TwoTowers, vocabulary: Vocabulary, captions: Sequence[str]) -> np.ndarray:
    towers.eval()
    device = next(towers.parameters()).device
    rows = []
    for start in range(0, len(captions), _BATCH):
        numbers = [vocabulary.encode(one, LONGEST_WORDS) for one in captions[start : start + _BATCH]]
        rows.append(towers.embed_texts(torch.tensor(padded(numbers), device=device)).cpu().numpy())
    return np.concatenate(rows)


@torch.no_grad()
def _sounds(towers: TwoTowers, embeddings: Tensor) -> np.ndarray:
    towers.eval()
    device = next(towers.parameters()).device
    return towers.embed_sounds(embeddings.to(device)).cpu().numpy()


def apart(sounds: np.ndarray, known: np.ndarray) -> np.ndarray:
    """What sets sounds apart from the mean of the known ones; nothing where nothing does.

    Where all sounds are the same vector, every sound ranks the texts in one order, and how often a right
    one comes first is luck: it depends on which texts lie near that vector. Without a direction they tie.

    Args:
        sounds, known: unit vectors [n, dim], [m, dim].
    """
    apart = sounds - known.mean(axis=0, dtype=np.float64)
    return np.where(np.linalg.norm(apart, axis=1, keepdims=True) < _SAME, 0.0, apart)
