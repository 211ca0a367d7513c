"""The cross projection alone, fitted on fixed audio embeddings: what baselines are compared with."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from wavbrivl.audio.heads import CrossHeads
from wavbrivl.compute import set_up
from wavbrivl.config.models import TrainingConfig
from wavbrivl.errors import UserError
from wavbrivl.progress import track
from wavbrivl.train.momentum import follow, vectors_of
from wavbrivl.train.objective import make_objective
from wavbrivl.train.optimizer import make_optimizer, set_rate, trained_parameters
from wavbrivl.train.order import share_of_step


def fit_cross_projection(
    audio: np.ndarray,
    images: np.ndarray,
    clip_ids: Sequence[str],
    video_ids: Sequence[str],
    config: TrainingConfig,
    steps: int,
    seed: int,
    embedding_dim: int = 512,
    hidden: int = 512,
) -> Callable[[np.ndarray], np.ndarray]:
    """Learn the MLP and the projections f and g of the encoder on top of embeddings that stay as they are.

    Objective, optimiser, schedule and order are those of the encoder's own training, so that an
    encoder without training is compared on equal terms. Inputs are standardised by the mean and
    deviation of `audio`.

    Args:
        audio: [n, d] embeddings of training clips.
        images: [n, teacher_dim] the teacher's embeddings of the same clips, unit norm.
        clip_ids, video_ids: n names each, for the masking of negatives.
        config: the section `training`; its `steps` is not used.
        steps: optimisation steps.
        seed: decides first weights and order.
        embedding_dim, hidden: widths as in the encoder.

    Returns:
        A function from embeddings [m, d] to float32 vectors [m, teacher_dim] of unit norm.

    Raises:
        UserError: the inputs do not have one row for each clip, or there is none.
    """
    if not len(audio) or len({len(audio), len(images), len(clip_ids), len(video_ids)}) > 1:
        raise UserError(f"cross projection: {len(audio)} sounds, {len(images)} images, {len(clip_ids)} ids")
    device = set_up(seed, threads=1)
    audio = np.asarray(audio, dtype=np.float32)
    centre, scale = audio.mean(axis=0), np.maximum(audio.std(axis=0), 1e-6)
    heads = CrossHeads(audio.shape[1], embedding_dim, images.shape[1], hidden).to(device)
    sounds = torch.from_numpy((audio - centre) / scale).to(device)
    pictures = torch.from_numpy(np.asarray(images, dtype=np.float32)).to(device)
    videos = torch.from_numpy(_numbered(video_ids)).to(device)
    clips = torch.from_numpy(_numbered(clip_ids)).to(device)
    _fit(heads, sounds, pictures, clips, videos, config, steps, seed)

    @torch.no_grad()
    def project(embeddings: np.ndarray) -> np.ndarray:
        rows = (np.asarray(embeddings, dtype=np.float32) - centre) / scale
        _, projection = heads(torch.from_numpy(rows).to(device))
        return nn.functional.normalize(projection, dim=-1).cpu().numpy()

    return project


def _fit(
    heads: CrossHeads,
    sounds: torch.Tensor,
    pictures: torch.Tensor,
    clips: torch.Tensor,
    videos: torch.Tensor,
    config: TrainingConfig,
    steps: int,
    seed: int,
) -> None:
    embedding_dim, teacher_dim = heads.image_projection[-1].out_features, pictures.shape[1]
    objective = make_objective(config, embedding_dim, teacher_dim).to(sounds.device)
    momentum = copy.deepcopy(heads).requires_grad_(False)
    optimizer = make_optimizer(heads, config, objective)
    for step in track(range(steps), "projection steps"):
        rows = torch.from_numpy(share_of_step(len(sounds), seed, step, config.batch_size).indices)
        rows = rows.to(sounds.device)
        set_rate(optimizer, config, step, steps)
        online = vectors_of(heads, sounds[rows], pictures[rows])
        objective(online, clips[rows], videos[rows]).total.backward()
        nn.utils.clip_grad_norm_(trained_parameters(heads, objective), config.gradient_clip)
        follow(momentum, heads, config.momentum)
        with torch.no_grad():
            keys = vectors_of(momentum, sounds[rows], pictures[rows])
        objective.enqueue(keys, clips[rows], videos[rows])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def _numbered(names: Sequence[str]) -> np.ndarray:
    return np.unique(np.asarray(names), return_inverse=True)[1].reshape(-1).astype(np.int64)
