"""One training loop for every network here: seeded by step, checkpointed, logged.

Sample order and noise are functions of seed and step, so a killed training continues to the same weights.
"""

import json
import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from wavbrivl.compute import seed_all
from wavbrivl.config.generation import StepsConfig
from wavbrivl.files import write_text
from wavbrivl.progress import track
from wavbrivl.train.checkpoint import fingerprint, load_last, save_last

logger = logging.getLogger("wavbrivl")
LOG_EVERY = 20
WARMUP = 0.1

Loss = Callable[[np.ndarray, int], tuple[Tensor, dict[str, float]]]
"""From the rows of a batch and the step to the loss and what else is logged."""


def fit(
    module: nn.Module, loss: Loss, count: int, config: StepsConfig, seed: int,
    facts: Mapping[str, Any], folder: Path, what: str, ema: float = 0.0,
) -> None:  # fmt: skip
    """Train a module in place.

    Args:
        module: what is trained.
        loss: of a batch; it may draw from torch's global generator, which is seeded anew in each step.
        count: samples in the training set.
        config: steps, batch, schedule.
        seed: of the order and of everything that the loss draws.
        facts: what else decides the weights; a checkpoint of other facts is not continued.
        folder: receives `training.jsonl`, and holds the checkpoint while training runs.
        what: a noun for the log.
        ema: decay of a moving average of the weights, which the module has at the end; 0 for none.
    """
    optimizer = torch.optim.AdamW(
        _groups(module, config.weight_decay), lr=config.learning_rate, betas=(0.9, 0.99)
    )
    average = [p.detach().clone() for p in module.parameters()] if ema else []
    identity = fingerprint(
        {**facts, "training": config.model_dump(), "seed": seed, "count": count, "ema": ema},
        module.state_dict(),
    )
    checkpoint = Path(folder) / "last.pt"
    rows, start = _resume(checkpoint, identity, module, optimizer, average)
    recent: list[dict[str, float]] = []
    module.train()
    for step in track(range(start, config.steps), what, total=config.steps - start):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * rate_factor(step, config.steps)
        seed_all(mix(seed, step))
        value, noted = loss(order(seed, step, config.batch_size, count), step)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(module.parameters(), config.gradient_clip)
        optimizer.step()
        if ema:
            _follow(average, module, min(ema, (1 + step) / (10 + step)))
        recent.append({"loss": value.item(), **noted})
        if (step + 1) % LOG_EVERY == 0 or step + 1 == config.steps:
            rows.append(_row(step + 1, recent))
            recent = []
        if (step + 1) % config.checkpoint_every == 0 and step + 1 < config.steps and not recent:
            state = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "average": average}
            save_last(checkpoint, {"fingerprint": identity, "step": step + 1, "rows": rows, **state})
    _take_over(module, average)
    module.eval()
    write_text(Path(folder) / "training.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    checkpoint.unlink(missing_ok=True)


def rate_factor(step: int, steps: int) -> float:
    """Linear warm-up over a tenth of the steps, then half a cosine down to zero."""
    warmup = max(1, round(steps * WARMUP))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def order(seed: int, step: int, batch_size: int, count: int) -> np.ndarray:
    """Rows of a step's batch: permutation after permutation, each drawn from seed and epoch."""
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs = positions // count
    permuted = {int(e): np.random.default_rng([seed, int(e)]).permutation(count) for e in np.unique(epochs)}
    return np.array([permuted[int(e)][p % count] for e, p in zip(epochs, positions, strict=True)])


def mix(*parts: int) -> int:
    """A 32-bit seed from several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def disturbed(vectors: Tensor, strength: float) -> Tensor:
    """Unit vectors with noise of a length drawn evenly up to `strength`, of unit length again."""
    direction = functional.normalize(torch.randn_like(vectors), dim=-1)
    length = torch.rand(len(vectors), 1, device=vectors.device) * strength
    return functional.normalize(vectors + length * direction, dim=-1)


def in_bfloat16(config: StepsConfig, device: torch.device) -> torch.autocast:
    """The context of the forward pass."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.bfloat16)


def _groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices and convolutions decay, vectors do not."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    matrices = [p for p in parameters if p.ndim >= 2]
    vectors = [p for p in parameters if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


@torch.no_grad()
def _follow(average: list[Tensor], module: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(average, list(module.parameters()), 1 - decay)


@torch.no_grad()
def _take_over(module: nn.Module, average: list[Tensor]) -> None:
    for parameter, mean in zip(module.parameters(), average, strict=bool(average)):
        parameter.copy_(mean)


def _resume(
    path: Path, identity: str, module: nn.Module, optimizer: torch.optim.Optimizer, average: list[Tensor]
) -> tuple[list[dict[str, float]], int]:
    state = load_last(path, identity)
    if state is None:
        return [], 0
    module.load_state_dict(state["module"])
    optimizer.load_state_dict(state["optimizer"])
    for mine, kept in zip(average, state["average"], strict=True):
        mine.copy_(kept)
    logger.info("training continues after step %d", state["step"])
    return state["rows"], state["step"]


def _row(step: int, recent: list[dict[str, float]]) -> dict[str, float]:
    means = {key: sum(entry[key] for entry in recent) / len(recent) for key in recent[0]}
    return {"step": step, **{key: round(value, 6) for key, value in means.items()}}
