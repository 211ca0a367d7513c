"""Weights of others: read without unpickling code, and put into a network key by key."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from wavbrivl.errors import UserError


def read_weights(path: Path) -> dict[str, Tensor]:
    """The state dict that a file holds (`.safetensors`, or torch's own format, weights only).

    Raises:
        UserError: the file is absent or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file of weights")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{path}: not a file of weights ({reason[:200]})") from None
    nested = values.get("state_dict") if isinstance(values, dict) else None
    values = nested if isinstance(nested, dict) else values
    if not isinstance(values, dict) or not all(isinstance(value, Tensor) for value in values.values()):
        raise UserError(f"{path}: not a file of weights: it does not hold tensors by name")
    return values


def fill(module: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Load weights strictly: every key of the module and no other, each of the right shape.

    Raises:
        UserError: naming the file and the first key that is wrong.
    """
    own = module.state_dict()
    missing, unknown = sorted(set(own) - set(weights)), sorted(set(weights) - set(own))
    if missing or unknown:
        what = f"lacks the key '{missing[0]}'" if missing else f"holds the unknown key '{unknown[0]}'"
        raise UserError(f"{path}: {what} ({len(missing)} missing, {len(unknown)} unknown)")
    for key, value in own.items():
        if value.shape != weights[key].shape:
            raise UserError(
                f"{path}: '{key}' has the shape {tuple(weights[key].shape)}, not {tuple(value.shape)}"
            )
    module.load_state_dict(weights)
