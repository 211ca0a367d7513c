"""Optimisation of a latent under the teacher's score, as Wav2CLIP does with VQGAN-CLIP.

Loss: the squared great-circle distance between condition and view, 2 asin(|u - v| / 2)^2, over random views;
where the latent is moved along components of real frames, also how far it goes.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel
from torch import Tensor

from wavbrivl.config.generation import LatentConfig, LatentDrawConfig
from wavbrivl.generate.conditions import Conditions
from wavbrivl.generate.cutouts import PARAMETERS, cutouts
from wavbrivl.generate.drawings import Drawings, Trace, drawn_rows
from wavbrivl.generate.guide import Guide, to_uint8
from wavbrivl.generate.noise import normal, uniform
from wavbrivl.generate.subspace import Subspace, load_subspace
from wavbrivl.generate.vq import load_vq
from wavbrivl.progress import track

SNAPSHOTS = 5
"""Times that the picture is scored on its way; the best one stands."""


class Latent:
    """A VQ model's latent, moved by gradients of the teacher's score.

    Args:
        vq: frozen.
        side: pixels along an edge.
        guide: whose score is followed.
        config: how.
        subspace: what the latent is moved in; None moves it freely.
    """

    name = "latent"

    def __init__(
        self,
        vq: VQModel,
        side: int,
        guide: Guide,
        config: LatentDrawConfig,
        subspace: Subspace | None = None,
    ):
        self.vq, self.side, self.guide, self.config, self.subspace = vq, side, guide, config, subspace
        self.device = next(vq.parameters()).device
        self.codebook = vq.quantize.embedding.weight.detach()
        shrink = 2 ** (len(vq.config.block_out_channels) - 1)
        self.grid = side // shrink

    def draw(self, conditions: Conditions, seed: int) -> tuple[Drawings, Trace]:
        """See `wavbrivl.generate.generator.Generator`; at most `items` conditions are drawn.

        `rounds` holds the best picture so far at each of the times that the picture is scored.
        """
        drawn = conditions.take(range(min(len(conditions), self.config.items)))
        starts = range(0, len(drawn), self.config.batch_size)
        groups = [
            self._draw_group(drawn.take(range(s, min(s + self.config.batch_size, len(drawn)))), seed)
            for s in starts
        ]
        pictures = np.concatenate([pictures for pictures, _ in groups], axis=1)
        scores = np.concatenate([scores for _, scores in groups], axis=1)
        best = np.maximum.accumulate(scores, axis=0)
        known = best[-1] if drawn.vectors is not None else None
        drawings = Drawings(pictures[-1], drawn_rows(drawn, seed, known), pictures)
        return drawings, self._trace(drawn, seed, scores)

    def _draw_group(self, conditions: Conditions, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The best pictures so far [snapshots, n, side, side, 3] and the scores [snapshots, n]."""
        place = self._begin(conditions, seed).requires_grad_(True)
        optimizer = torch.optim.Adam([place], lr=self.config.learning_rate)
        heard = conditions.kind != "unconditional" and conditions.vectors is not None
        steps = self.config.steps if heard else 0
        targets = torch.from_numpy(conditions.vectors).to(self.device) if heard else None
        due = {round(steps * (i + 1) / SNAPSHOTS) for i in range(SNAPSHOTS)} if heard else {0}
        pictures, scores = [], []
        for step in track(range(steps + 1), "steps of the latent", total=steps + 1):
            if step in due:
                self._look(place, conditions, pictures, scores)
            if step < steps and targets is not None:
                self._step(place, optimizer, conditions, targets, seed, step)
        return np.stack(pictures), np.stack(scores)

    def _begin(self, conditions: Conditions, seed: int) -> Tensor:
        """Latents [n, code_dim, grid, grid] or coordinates [n, components] to begin with."""
        if self.subspace is not None:
            return normal(seed, conditions.items, len(self.subspace)).to(self.device)
        if self.config.start == "noise":
            pixels = uniform(seed, conditions.items, 3, self.side, self.side).to(self.device) * 2 - 1
            with torch.no_grad():
                return self.vq.encode(pixels).latents.clone()
        numbers = uniform(seed, conditions.items, self.grid, self.grid).to(self.device)
        codes = (numbers * len(self.codebook)).long()
        return self.codebook[codes].permute(0, 3, 1, 2).contiguous().clone()

    def _pixels(self, place: Tensor) -> Tensor:
        """Quantised with a straight-through gradient, decoded, in [0, 1] with a gradient beyond."""
        latent = place if self.subspace is None else self.subspace.latents(place)
        return _clamped(self.vq.decode(latent).sample.float() / 2 + 0.5)

    def _step(
        self, place: Tensor, optimizer: torch.optim.Optimizer, conditions: Conditions, targets: Tensor,
        seed: int, step: int,
    ) -> None:  # fmt: skip
        count, size = self.config.cutouts, self.guide.teacher.image_size
        names = [f"{item}/{step}" for item in conditions.items]
        numbers = uniform(seed, names, count, PARAMETERS).to(self.device)
        noise = normal(seed, names, count, 3, size, size).to(self.device)
        views = cutouts(self._pixels(place), numbers, noise, self.config)
        distance = great_circle(self.guide.embed(views), targets.repeat_interleave(count, dim=0))
        optimizer.zero_grad(set_to_none=True)
        # A sum over pictures: each moves as if it were alone.
        loss = distance.view(-1, count).mean(dim=1).sum()
        if self.subspace is not None:
            loss = loss + self.config.prior * place.square().mean(dim=1).sum()
        loss.backward()
        optimizer.step()
        if self.subspace is None:
            self._keep_within_codebook(place)

    @torch.no_grad()
    def _keep_within_codebook(self, latent: Tensor) -> None:
        low, high = self.codebook.amin(dim=0), self.codebook.amax(dim=0)
        latent.copy_(latent.maximum(low.view(1, -1, 1, 1)).minimum(high.view(1, -1, 1, 1)))

    @torch.no_grad()
    def _look(
        self, place: Tensor, conditions: Conditions, pictures: list[np.ndarray], scores: list[np.ndarray]
    ) -> None:
        """Score the picture; the better of it and the last one stands."""
        images = to_uint8(self._pixels(place))
        count = len(conditions)
        vectors = conditions.vectors
        values = np.zeros(count) if vectors is None else self.guide.scores(images, vectors)
        if pictures:
            better = values > np.max(scores, axis=0)
            images = np.where(better[:, None, None, None], images, pictures[-1])
        pictures.append(images)
        scores.append(values)

    def _trace(self, conditions: Conditions, seed: int, scores: np.ndarray) -> Trace:
        return {
            "generator": self.name,
            "kind": conditions.kind,
            "seed": seed,
            "settings": self.config.model_dump(mode="json"),
            "items": [
                {
                    "item": conditions.items[i],
                    "source": conditions.sources[i],
                    "variant": conditions.variants[i],
                    "prompt": "",
                    "rounds": [{"scores": [round(float(value), 6)]} for value in scores[:, i]],
                }
                for i in range(len(conditions))
            ],
        }


def great_circle(first: Tensor, second: Tensor) -> Tensor:
    """Squared great-circle distance of unit vectors, halved: [B]."""
    # Where the two are equal the root's slope is infinite: it is cut off just before.
    chord = (first - second).square().sum(dim=-1).clamp(min=1e-12, max=4.0 - 1e-6).sqrt()
    return 2 * torch.asin(chord / 2).square()


class _Clamp(torch.autograd.Function):
    """Clamp to [0, 1]; the gradient passes where it leads back inside."""

    @staticmethod
    def forward(ctx, pixels: Tensor) -> Tensor:
        ctx.save_for_backward(pixels)
        return pixels.clamp(0, 1)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (pixels,) = ctx.saved_tensors
        return gradient * (gradient * (pixels - pixels.clamp(0, 1)) >= 0)


def _clamped(pixels: Tensor) -> Tensor:
    return _Clamp.apply(pixels)


def load_latent(folder: Path, guide: Guide, config: LatentConfig, device: torch.device) -> Latent:
    """Read the VQ model, the released one where there is one, and what its latent is moved in.

    Args:
        folder: of the model trained here; not used where a released one is configured.
        guide: whose score is followed.
        config: `generate.latent`.
        device: where it draws.

    Raises:
        UserError: something is missing or damaged.
    """
    vq = load_vq(Path(config.released) if config.released else folder, device)
    along = config.vq.components and not config.released
    subspace = load_subspace(folder, device) if along else None
    return Latent(vq, config.image_size, guide, config.draw, subspace)
