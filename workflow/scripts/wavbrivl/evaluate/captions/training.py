"""Train the captioner on the development captions; keep the weights that the validation split prefers."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from wavbrivl.config.captions import CaptionerConfig
from wavbrivl.evaluate.captions.captioner import Captioner, stack_frames, write_captions
from wavbrivl.evaluate.captions.words import Vocabulary, build_vocabulary, padded
from wavbrivl.evaluate.probe import Standardiser, standardiser
from wavbrivl.progress import track

WARMUP = 0.1
"""Share of the steps that climb to the peak of the schedule."""

_CLIP = 1.0
_STATISTICS_FRAMES = 200_000


@dataclass(frozen=True)
class Learned:
    """A trained captioner: `write` gives a caption for each sound [frames, width].

    Attributes:
        step: whose weights were kept.
        loss: validation loss there.
        words: size of the vocabulary.
    """

    write: Callable[[Sequence[np.ndarray]], list[str]]
    step: int
    loss: float
    words: int


def fit_captioner(
    sounds: Sequence[np.ndarray],
    captions: Sequence[Sequence[str]],
    validation_sounds: Sequence[np.ndarray],
    validation_captions: Sequence[Sequence[str]],
    longest: int,
    config: CaptionerConfig,
    seed: int,
    device: torch.device | str = "cpu",
    what: str = "captioner",
) -> Learned:
    """Train.

    Args:
        sounds: frames [time, width] of the development sounds.
        captions: of each of them.
        validation_sounds, validation_captions: what the weights are chosen on.
        longest: frames of the longest sound that will ever be written about.
        seed: of first weights, order and dropout; the global generator is left as it was.
        what: in words, for the log.
    """
    vocabulary = build_vocabulary((c for of_one in captions for c in of_one), config.minimum_count)
    scale = frame_scale(sounds)
    pairs = _pairs(captions, vocabulary, config.maximum_words)
    checks = _pairs(validation_captions, vocabulary, config.maximum_words)
    best, best_step, kept = float("inf"), 0, None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        captioner = Captioner(sounds[0].shape[1], len(vocabulary), longest, config).to(device)
        optimiser, schedule = make_optimiser(captioner, config.learning_rate, config.steps)
        batches = _endless(len(pairs), config.batch_size)
        for step in track(range(1, config.steps + 1), f"{what} steps"):
            captioner.train()
            batch = [pairs[i] for i in next(batches)]
            loss = _loss(captioner, sounds, batch, scale, device)
            take_step(loss, captioner, optimiser, schedule)
            if step % config.validate_every == 0 or step == config.steps:
                found = _validate(captioner, validation_sounds, checks, scale, config, device)
                if found < best:
                    best, best_step, kept = found, step, copy.deepcopy(captioner.state_dict())
    captioner.load_state_dict(kept or captioner.state_dict())
    return Learned(
        lambda others: write_captions(captioner, others, scale, vocabulary),
        best_step,
        best,
        len(vocabulary),
    )


def frame_scale(sounds: Sequence[np.ndarray]) -> Standardiser:
    """Mean and deviation of frames, from at most a bounded number of them, evenly chosen."""
    every = max(1, sum(map(len, sounds)) // _STATISTICS_FRAMES)
    return standardiser(np.concatenate([frames[::every] for frames in sounds]))


def make_optimiser(
    model: torch.nn.Module, rate: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW with a one-cycle schedule."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=max(2, steps), pct_start=WARMUP
    )
    return optimiser, schedule


def take_step(loss: torch.Tensor, model: torch.nn.Module, optimiser, schedule) -> None:
    """One optimisation step with clipped gradients."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
    optimiser.step()
    schedule.step()


def _pairs(
    captions: Sequence[Sequence[str]], vocabulary: Vocabulary, maximum: int
) -> list[tuple[int, list[int]]]:
    return [
        (i, vocabulary.encode(caption, maximum)) for i, of_one in enumerate(captions) for caption in of_one
    ]


def _endless(count: int, size: int) -> Iterator[list[int]]:
    """Shuffled rounds, cut into batches of exactly `size` where there is as much."""
    waiting: list[int] = []
    while True:
        while len(waiting) < size:
            waiting += torch.randperm(count).tolist()
        yield waiting[:size]
        waiting = waiting[size:]


def _loss(
    captioner: Captioner,
    sounds: Sequence[np.ndarray],
    batch: Sequence[tuple[int, list[int]]],
    scale: Standardiser,
    device: torch.device | str,
) -> torch.Tensor:
    frames, mask = stack_frames([sounds[i] for i, _ in batch], scale, device)
    captions = torch.tensor(padded([numbers for _, numbers in batch]), device=device)
    return captioner.loss(frames, mask, captions)


@torch.no_grad()
def _validate(
    captioner: Captioner,
    sounds: Sequence[np.ndarray],
    pairs: Sequence[tuple[int, list[int]]],
    scale: Standardiser,
    config: CaptionerConfig,
    device: torch.device | str,
) -> float:
    """Mean loss a caption over the whole validation split."""
    captioner.eval()
    total = 0.0
    for start in range(0, len(pairs), config.batch_size):
        batch = pairs[start : start + config.batch_size]
        total += float(_loss(captioner, sounds, batch, scale, device)) * len(batch)
    return total / len(pairs)
