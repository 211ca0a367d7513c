"""AdamW, its parameter groups and its learning rate."""

import math
from collections.abc import Iterable

from torch import nn
from torch.optim import AdamW

from wavbrivl.config.models import TrainingConfig


def rate_factor(step: int, steps: int, warmup_fraction: float) -> float:
    """Linear warm-up, then half a cosine down to zero; a pure function of the step, from 0."""
    warmup = round(steps * warmup_fraction)
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def make_optimizer(model: nn.Module, config: TrainingConfig, objective: nn.Module | None = None) -> AdamW:
    """AdamW over every parameter that is trained, those of the objective included.

    Matrices and convolutions decay; biases, norms and layer weights do not. The backbone's rate is
    `backbone_rate_factor` times the others'.
    """
    backbone = getattr(model, "wavlm", None)
    in_backbone = {id(p) for p in backbone.parameters()} if backbone is not None else set()
    trained = trained_parameters(model, objective)
    groups = []
    for inside, factor in ((True, config.backbone_rate_factor), (False, 1.0)):
        chosen = [p for p in trained if (id(p) in in_backbone) == inside]
        groups += _decay_groups(chosen, config.weight_decay, factor)
    return AdamW(groups, lr=config.learning_rate, fused=True)


def trained_parameters(model: nn.Module, objective: nn.Module | None = None) -> list[nn.Parameter]:
    """What the optimiser changes: the parameters of the model and of the objective that are not frozen."""
    modules = [model] if objective is None else [model, objective]
    return [p for module in modules for p in module.parameters() if p.requires_grad]


def set_rate(optimizer: AdamW, config: TrainingConfig, step: int, steps: int) -> float:
    """Set the rate of `step` in all groups; returns that of the heads."""
    rate = config.learning_rate * rate_factor(step, steps, config.warmup_fraction)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    return rate


def _decay_groups(parameters: Iterable[nn.Parameter], weight_decay: float, factor: float) -> list[dict]:
    split: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for parameter in parameters:
        # WavLM's gates have the shape [1, heads, 1, 1]: a vector, whatever its dimensions say.
        split[sum(size > 1 for size in parameter.shape) >= 2].append(parameter)
    return [
        {"params": chosen, "weight_decay": weight_decay if decay else 0.0, "factor": factor}
        for decay, chosen in split.items()
        if chosen
    ]
