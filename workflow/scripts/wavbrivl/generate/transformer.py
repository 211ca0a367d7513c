"""DALL·E's transformer: a GPT-2 decoder over a prefix, text tokens and image tokens.

The prefix is projected from a vector in the teacher's space: the paper's fused token. It stands in the
place of a start token; without a condition a learned one stands there. The same vector is also fused into
every image place, so that the network need not carry it there by attention (measured; docs/generation.md).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import GPT2Config, GPT2Model

from wavbrivl.config.generation import TransformerConfig


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn from logits.

    Attributes:
        temperature: of the softmax.
        top_k: only so many likeliest tokens; 0 for all.
        top_p: only the likeliest tokens that together have this probability.
        guidance: classifier-free guidance; 1 is the condition alone.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    guidance: float = 1.0


@dataclass(frozen=True)
class Start:
    """What stands before the image tokens.

    Attributes:
        vectors: in the teacher's space, [B, dim].
        prefix: which rows are given their vector, boolean [B]; the others have the learned empty prefix.
        text: token ids, int64 [B, text_length], padded (`pad_texts`).
    """

    vectors: Tensor
    prefix: Tensor
    text: Tensor

    def rows(self, chosen: Tensor | slice) -> "Start":
        """Some rows."""
        return Start(self.vectors[chosen], self.prefix[chosen], self.text[chosen])


class Fusion(nn.Module):
    """What a vector means for each image place: [B, dim] to [B, places, width].

    The places share the layers and differ by a scale and a shift, so that many places cost few weights.
    """

    def __init__(self, dim: int, hidden: int, places: int, width: int):
        super().__init__()
        self.enter = nn.Sequential(nn.Linear(dim, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.scale = nn.Parameter(torch.randn(places, hidden))
        self.shift = nn.Parameter(torch.randn(places, hidden))
        self.leave = nn.Sequential(nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, width))

    def forward(self, vectors: Tensor) -> Tensor:
        return self.leave(self.enter(vectors)[:, None] * self.scale + self.shift)


class Transformer(nn.Module):
    """Prefix, text and image tokens; logits of the next token.

    Args:
        config: sizes.
        dim: width of the teacher's space.
        vocabulary: entries of the vocabulary that texts are written in.
        codes: size of the dVAE's codebook.
        grid: image tokens along an edge.
    """

    def __init__(self, config: TransformerConfig, dim: int, vocabulary: int, codes: int, grid: int):
        super().__init__()
        self.config, self.dim, self.vocabulary, self.codes, self.grid = config, dim, vocabulary, codes, grid
        self.image_length = grid * grid
        self.start_length = config.prefix_length + config.text_length
        width = config.width
        self.prefix = nn.Sequential(
            nn.Linear(dim, width), nn.GELU(), nn.Linear(width, config.prefix_length * width)
        )
        self.fusion = Fusion(dim, config.fusion_hidden, grid * grid, width)
        self.empty_prefix = nn.Parameter(torch.randn(config.prefix_length, width) * 0.02)
        # A padded place has an id of its own, as in DALL·E: what stands there is then never ambiguous.
        self.text_embedding = nn.Embedding(vocabulary + config.text_length, width)
        self.image_embedding = nn.Embedding(codes, width)
        self.row = nn.Parameter(torch.randn(grid, 1, width) * 0.02)
        self.column = nn.Parameter(torch.randn(1, grid, width) * 0.02)
        for embedding in (self.text_embedding, self.image_embedding):
            nn.init.normal_(embedding.weight, std=0.02)
        self.decoder = GPT2Model(
            GPT2Config(
                vocab_size=1,  # the embeddings above stand in for GPT-2's own
                n_positions=self.start_length + self.image_length,
                n_embd=width,
                n_layer=config.layers,
                n_head=config.heads,
                resid_pdrop=config.dropout,
                embd_pdrop=config.dropout,
                attn_pdrop=config.dropout,
                bos_token_id=None,
                eos_token_id=None,
            )
        )
        self.text_head = nn.Linear(width, vocabulary + config.text_length)
        self.image_head = nn.Linear(width, codes)

    @property
    def empty_text(self) -> Tensor:
        """Ids of a text without words, int64 [text_length]."""
        return self.vocabulary + torch.arange(self.config.text_length)

    def begin(self, start: Start) -> Tensor:
        """Embeddings of prefix and text, [B, start_length, width]."""
        given = self.prefix(self._scaled(start.vectors)).unflatten(
            1, (self.config.prefix_length, self.config.width)
        )
        prefix = torch.where(start.prefix[:, None, None], given, self.empty_prefix.to(given.dtype))
        return torch.cat([prefix, self.text_embedding(start.text)], dim=1)

    def place(self, codes: Tensor, first: int = 0) -> Tensor:
        """Embeddings of image tokens [B, m] that stand at the places from `first` on, [B, m, width]."""
        places = (self.row + self.column).flatten(0, 1)[first : first + codes.shape[1]]
        return self.image_embedding(codes) + places

    def fused(self, start: Start) -> Tensor:
        """What is added to the inputs before image tokens, [B, grid^2, width]; nothing without a prefix."""
        return self.fusion(self._scaled(start.vectors)) * start.prefix[:, None, None]

    def _scaled(self, vectors: Tensor) -> Tensor:
        """Unit vectors have tiny entries: they are given unit variance."""
        return vectors * math.sqrt(self.dim)

    def sequence(self, start: Start, codes: Tensor, fused: Tensor) -> Tensor:
        """All inputs as far as image tokens [B, m] are known, [B, start_length + m, width].

        The input before a token predicts it: that of the last text token the first image token.
        """
        inputs = torch.cat([self.begin(start), self.place(codes)], dim=1)
        known = min(codes.shape[1] + 1, self.image_length)
        first = self.start_length - 1
        told = inputs[:, first : first + known] + fused[:, :known]
        return torch.cat([inputs[:, :first], told, inputs[:, first + known :]], dim=1)

    def loss(self, start: Start, codes: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Weighted cross entropy of text and image tokens; image tokens are [B, grid^2]."""
        sequence = self.sequence(start, codes[:, :-1], self.fused(start))
        hidden = self.decoder(inputs_embeds=sequence, use_cache=False).last_hidden_state
        border = self.start_length - 1
        text = self.text_head(hidden[:, self.config.prefix_length - 1 : border])
        image = self.image_head(hidden[:, border:])
        text_loss = functional.cross_entropy(text.flatten(0, 1).float(), start.text.flatten())
        image_loss = functional.cross_entropy(image.flatten(0, 1).float(), codes.flatten())
        share = self.config.text_loss
        return share * text_loss + (1 - share) * image_loss, {
            "text": text_loss.item(),
            "image": image_loss.item(),
        }

    @torch.no_grad()
    def draw(
        self, start: Start, uniform: Tensor, sampling: Sampling, primed: Tensor | None = None,
        use_cache: bool = True,
    ) -> Tensor:  # fmt: skip
        """Draw the image tokens one by one.

        Args:
            start: B rows.
            uniform: what decides each token, in [0, 1), [B, grid^2]; equal numbers give equal tokens.
            sampling: how.
            primed: first tokens that are kept, int64 [B, m], or None.
            use_cache: keep keys and values; without, every step reads the whole sequence again.

        Returns:
            int64 [B, grid^2].
        """
        codes = primed if primed is not None else start.text.new_zeros(len(start.text), 0)
        conditioned = bool(start.prefix.any() or (start.text != self.empty_text.to(start.text.device)).any())
        guided = sampling.guidance != 1.0 and conditioned
        streams = self._streams(start) if guided else start
        fused = self.fused(streams)
        sequence = self.sequence(streams, _doubled(codes, guided), fused)
        cache = None
        while codes.shape[1] < self.image_length:
            output = self.decoder(inputs_embeds=sequence, past_key_values=cache, use_cache=use_cache)
            logits = self.image_head(output.last_hidden_state[:, -1]).float()
            if guided:
                given, empty = logits.chunk(2)
                logits = empty + sampling.guidance * (given - empty)
            place = codes.shape[1]
            chosen = pick(logits, uniform[:, place], sampling)
            codes = torch.cat([codes, chosen[:, None]], dim=1)
            if use_cache:
                cache = output.past_key_values
                following = self.place(_doubled(chosen[:, None], guided), place)
                sequence = following + fused[:, place + 1 : place + 2]
            else:
                sequence = self.sequence(streams, _doubled(codes, guided), fused)
        return codes

    def _streams(self, start: Start) -> Start:
        """The rows, and below them the same rows without any condition."""
        empty = self.empty_text.to(start.text.device).expand_as(start.text)
        return Start(
            start.vectors.repeat(2, 1),
            torch.cat([start.prefix, torch.zeros_like(start.prefix)]),
            torch.cat([start.text, empty]),
        )


def _doubled(codes: Tensor, guided: bool) -> Tensor:
    return codes.repeat(2, 1) if guided else codes


def pick(logits: Tensor, uniform: Tensor, sampling: Sampling) -> Tensor:
    """One token a row: the place where the cumulative probability passes the uniform number.

    Args:
        logits: [B, codes].
        uniform: [B], in [0, 1).
        sampling: temperature, top-k, top-p.

    Returns:
        int64 [B].
    """
    ordered, tokens = (logits / sampling.temperature).sort(dim=-1, descending=True, stable=True)
    if sampling.top_k:
        ordered[:, sampling.top_k :] = -torch.inf
    probability = ordered.softmax(dim=-1)
    before = probability.cumsum(dim=-1) - probability
    probability = probability.masked_fill(before >= sampling.top_p, 0.0)
    cumulative = probability.cumsum(dim=-1)
    place = (cumulative <= (uniform[:, None] * cumulative[:, -1:])).sum(dim=-1)
    kept = (probability > 0).sum(dim=-1) - 1
    return tokens.gather(1, place.minimum(kept)[:, None])[:, 0]


def pad_texts(ids: Tensor, mask: Tensor, length: int, vocabulary: int) -> Tensor:
    """WordPiece tokens as the transformer reads them.

    Args:
        ids: int64 [B, L] with [CLS] first and [SEP] after the last word.
        mask: boolean [B, L], true for these and the words between.
        length: tokens to keep or pad to.
        vocabulary: entries of the vocabulary; the padding of place p has the id `vocabulary + p`.

    Returns:
        int64 [B, length], without [CLS] and [SEP].
    """
    padded = (vocabulary + torch.arange(length)).repeat(len(ids), 1)
    for row, (tokens, kept) in enumerate(zip(ids, mask, strict=True)):
        words = tokens[kept][1:-1][:length]
        padded[row, : len(words)] = words
    return padded
