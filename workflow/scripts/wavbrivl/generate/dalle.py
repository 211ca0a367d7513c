"""DALL·E: training of its transformer, and guided drawing.

Candidates are drawn, scored by the guide, and the best one's first tokens prime the next round; a picture
is accepted only when it scores higher than the one before. Transformer, dVAE and guide are frozen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavbrivl.config.generation import DalleConfig, DalleDrawConfig, TransformerConfig
from wavbrivl.files import write_text
from wavbrivl.generate.conditions import Conditions
from wavbrivl.generate.drawings import Drawings, Trace, drawn_rows
from wavbrivl.generate.dvae import Dvae, load_dvae
from wavbrivl.generate.frames import Frames
from wavbrivl.generate.guide import Guide, to_uint8
from wavbrivl.generate.mapping import Mapping
from wavbrivl.generate.noise import uniform
from wavbrivl.generate.training import disturbed, fit, in_bfloat16
from wavbrivl.generate.transformer import Sampling, Start, Transformer, pad_texts
from wavbrivl.generate.weights import load_module, save_module
from wavbrivl.progress import track
from wavbrivl.teacher.text import Tokenizer, build_vocabulary, read_vocabulary

VOCABULARY = "vocab.txt"
"""Name of the transformer's vocabulary in its folder: the words of the training clips."""


def train_transformer(
    frames: Frames, dvae: Dvae, config: DalleConfig, folder: Path, seed: int, device: torch.device
) -> Transformer:
    """Train on the frames' tokens, embeddings and labels, and save the network's folder.

    Prefix and text are dropped independently, so that the network draws from either, both or none.
    """
    chosen, training = config.transformer, config.transformer.training
    grid = config.image_size // 2**config.dvae.downsamples
    vocabulary = build_vocabulary([*frames.texts.names, *frames.texts.captions])
    tokenizer = tokenizer_of(vocabulary, chosen)
    sizes = {"dim": frames.dim, "vocabulary": len(tokenizer), "codes": config.dvae.codes, "grid": grid}
    transformer = Transformer(chosen, **sizes).to(device)
    codes = tokens_of(frames, dvae, device)
    texts = pad_texts(*tokenizer(frames.texts.names), chosen.text_length, len(tokenizer)).to(device)

    def loss(rows: np.ndarray, step: int) -> tuple[Tensor, dict[str, float]]:
        vectors = disturbed(frames.vectors(rows).to(device), chosen.prefix_noise)
        prefix = torch.rand(len(rows), device=device) >= chosen.prefix_dropout
        text = torch.rand(len(rows), 1, device=device) >= chosen.text_dropout
        words = torch.where(text, texts[frames.clips(rows)], transformer.empty_text.to(device))
        with in_bfloat16(training, device):
            return transformer.loss(Start(vectors, prefix, words), codes[rows])

    facts = {"transformer": chosen.model_dump(), "codes": codes.sum(dim=1).tolist(), **sizes}
    fit(transformer, loss, len(frames), training, seed, facts, folder, "transformer steps")
    write_text(folder / VOCABULARY, "\n".join(vocabulary) + "\n")
    save_module(folder, transformer, chosen, **sizes)
    return transformer


def tokenizer_of(vocabulary: Sequence[str], config: TransformerConfig) -> Tokenizer:
    """WordPiece over the vocabulary, with room for the marks at both ends."""
    return Tokenizer(vocabulary, config.text_length + 2)


def tokens_of(frames: Frames, dvae: Dvae, device: torch.device, batch_size: int = 64) -> Tensor:
    """The dVAE's tokens of every training frame, int64 [n, grid^2]."""
    starts = range(0, len(frames), batch_size)
    batches = [np.arange(start, min(start + batch_size, len(frames))) for start in starts]
    return torch.cat(
        [dvae.encode(frames.pixels(batch).to(device)) for batch in track(batches, "batches tokenised")]
    )


@dataclass
class _Best:
    """The best pictures so far of a group of conditions, and how they came about."""

    tokens: Tensor
    images: np.ndarray
    scores: np.ndarray
    rounds: list[list[dict[str, Any]]] = field(default_factory=list)
    pictures: list[np.ndarray] = field(default_factory=list)


class Dalle:
    """The paper's generator.

    Args:
        dvae, transformer: trained.
        tokenizer: of the transformer's vocabulary.
        guide: scores the candidates.
        mappings: by kind of condition.
        config: how it draws.
    """

    name = "dalle"

    def __init__(
        self, dvae: Dvae, transformer: Transformer, tokenizer: Tokenizer, guide: Guide,
        mappings: dict[str, Mapping], config: DalleDrawConfig,
    ):  # fmt: skip
        self.dvae, self.transformer, self.tokenizer, self.guide = dvae, transformer, tokenizer, guide
        self.mappings, self.config = mappings, config
        self.side = transformer.grid * 2**dvae.config.downsamples
        self.device = next(transformer.parameters()).device

    def draw(self, conditions: Conditions, seed: int) -> tuple[Drawings, Trace]:
        """See `wavbrivl.generate.generator.Generator`; `rounds` holds the accepted picture of each round."""
        groups = [self._draw_group(conditions.take(rows), seed) for rows in self._groups(len(conditions))]
        images = np.concatenate([group.images for group in groups])
        scores = np.concatenate([group.scores for group in groups])
        pictures = [np.concatenate(parts) for parts in zip(*[g.pictures for g in groups], strict=True)]
        rounds = [entry for group in groups for entry in zip(*group.rounds, strict=True)]
        known = scores if conditions.vectors is not None else None
        drawings = Drawings(images, drawn_rows(conditions, seed, known), np.stack(pictures))
        return drawings, self._trace(conditions, seed, rounds)

    def _groups(self, count: int) -> Iterator[Sequence[int]]:
        size = max(1, self.config.batch_size // self._candidates()[0])
        starts = range(0, count, size)
        for start in track(starts, "groups of conditions drawn by DALL·E"):
            yield range(start, min(start + size, count))

    def _candidates(self) -> list[int]:
        """How many candidates each round has."""
        config = self.config
        if config.selection == "random":
            return [1]
        if config.selection == "best_of":
            return [config.candidates * config.rounds]
        return [config.candidates] * config.rounds

    def _draw_group(self, conditions: Conditions, seed: int) -> _Best:
        start = self._start(conditions)
        best = None
        for number, candidates in enumerate(self._candidates()):
            kept = 0 if best is None else round(self.config.priming * self.transformer.image_length)
            tokens = self._draw_candidates(conditions, seed, start, number, candidates, best, kept)
            images = to_uint8(self.dvae.decode(tokens))
            scores = self._scores(images, conditions, candidates)
            best = self._accept(best, tokens, images, scores, kept)
        assert best is not None
        return best

    def _start(self, conditions: Conditions) -> Start:
        heard = conditions.kind != "unconditional"
        count, length = len(conditions), self.transformer.config.text_length
        vectors = torch.zeros(count, self.transformer.dim)
        if heard and self.config.prefix and conditions.vectors is not None:
            mapping = self.mappings.get(conditions.kind) if self.config.mapping else None
            moved = conditions.vectors if mapping is None else mapping(conditions.vectors)
            vectors = torch.from_numpy(moved.astype(np.float32))
        text = self.transformer.empty_text.repeat(count, 1)
        if heard and self.config.text:
            text = pad_texts(*self.tokenizer(conditions.texts), length, self.transformer.vocabulary)
        prefix = torch.full((count,), heard and self.config.prefix)
        return Start(vectors.to(self.device), prefix.to(self.device), text.to(self.device))

    def _draw_candidates(
        self, conditions: Conditions, seed: int, start: Start, number: int, candidates: int,
        best: _Best | None, kept: int,
    ) -> Tensor:  # fmt: skip
        config = self.config
        names = [f"{item}/{number}/{i}" for item in conditions.items for i in range(candidates)]
        repeated = start.rows(torch.arange(len(conditions), device=self.device).repeat_interleave(candidates))
        primed = None if best is None else best.tokens[:, :kept].repeat_interleave(candidates, dim=0)
        sampling = Sampling(config.temperature, config.top_k, config.top_p, config.guidance)
        numbers = uniform(seed, names, self.transformer.image_length).to(self.device)
        return self.transformer.draw(repeated, numbers, sampling, primed)

    def _scores(self, images: np.ndarray, conditions: Conditions, candidates: int) -> np.ndarray:
        """[n, candidates]; zeros where there is nothing to score against."""
        if conditions.vectors is None:
            return np.zeros((len(conditions), candidates))
        vectors = np.repeat(conditions.vectors, candidates, axis=0)
        return self.guide.scores(images, vectors).reshape(len(conditions), candidates)

    def _accept(
        self, best: _Best | None, tokens: Tensor, images: np.ndarray, scores: np.ndarray, kept: int
    ) -> _Best:
        """The best candidate of each condition, where it scores higher than the picture so far."""
        count, candidates = scores.shape
        winner = scores.argmax(axis=1)
        place = np.arange(count) * candidates + winner
        new_tokens, new_images = tokens[torch.from_numpy(place).to(tokens.device)], images[place]
        new_scores = scores.max(axis=1)
        if best is None:
            accepted = np.ones(count, dtype=bool)
            best = _Best(new_tokens, new_images, new_scores)
        else:
            accepted = new_scores > best.scores
            better = torch.from_numpy(accepted).to(tokens.device)[:, None]
            best.tokens = torch.where(better, new_tokens, best.tokens)
            best.images = np.where(accepted[:, None, None, None], new_images, best.images)
            best.scores = np.where(accepted, new_scores, best.scores)
        best.pictures.append(best.images)
        best.rounds.append(
            [
                {
                    "scores": [round(float(value), 6) for value in scores[row]],
                    "kept_tokens": kept,
                    "accepted": bool(accepted[row]),
                    "best": round(float(best.scores[row]), 6),
                }
                for row in range(count)
            ]
        )
        return best

    def _trace(self, conditions: Conditions, seed: int, rounds: list[tuple]) -> Trace:
        prompts = conditions.texts if self.config.text else [""] * len(conditions)
        return {
            "generator": self.name,
            "kind": conditions.kind,
            "seed": seed,
            "settings": self.config.model_dump(mode="json"),
            "items": [
                {"item": item, "source": source, "variant": variant, "prompt": prompt, "rounds": list(entry)}
                for item, source, variant, prompt, entry in zip(
                    conditions.items, conditions.sources, conditions.variants, prompts, rounds, strict=True
                )
            ],
        }


def load_dalle(
    folder: Path, guide: Guide, mappings: dict[str, Mapping], config: DalleDrawConfig, device: torch.device
) -> Dalle:
    """Read `dvae/` and `transformer/` below the folder.

    Raises:
        UserError: one of them is missing or damaged.
    """
    dvae = load_dvae(folder / "dvae", device)
    transformer = load_module(folder / "transformer", Transformer, TransformerConfig, device)
    tokenizer = tokenizer_of(read_vocabulary(folder / "transformer" / VOCABULARY), transformer.config)
    return Dalle(dvae, transformer, tokenizer, guide, mappings, config)
