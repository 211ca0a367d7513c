"""Checkpoints: last.pt to continue from, best.safetensors to use."""

import hashlib
import json
import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from wavbrivl.files import atomic
from wavbrivl.train.best import FACTS

logger = logging.getLogger("wavbrivl")
FORMAT = 1
READABLE = 0o644
"""Mode of the written weights; safetensors itself lets nobody but the owner read them."""


def fingerprint(values: Mapping[str, Any], weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of everything that decides a training run: its settings, data and first weights."""
    digest = hashlib.sha256(json.dumps([FORMAT, values], sort_keys=True).encode())
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def remove_leftovers(folder: Path) -> None:
    """Delete half-written files that a kill left behind."""
    for part in folder.glob(".*.part"):
        part.unlink()


def save_last(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint of plain tensors, numbers, strings and containers, whole or not at all."""
    with atomic(path) as temporary:
        torch.save(dict(state), temporary)


def load_last(path: Path, expected: str) -> dict[str, Any] | None:
    """The checkpoint that continues the run `expected`, or None to start anew.

    A checkpoint of another run (settings, data or code changed) is put aside with a line in the
    log, since a changed configuration is to be trained afresh; so is a file that cannot be read.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        logger.warning("%s cannot be read, training starts anew: %s", path, str(error).split("\n")[0])
        return None
    if not isinstance(state, dict) or state.get("fingerprint") != expected:
        logger.warning("%s belongs to another configuration, training starts anew", path)
        return None
    return state


def save_best(path: Path, weights: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write weights as safetensors, whole or not at all; `facts` go into the file's metadata.

    Under one key: safetensors writes several in an order that changes from call to call.
    """
    metadata = {FACTS: json.dumps(dict(facts))}
    with atomic(path) as temporary:
        save_file({k: v.contiguous() for k, v in weights.items()}, temporary, metadata=metadata)
        temporary.chmod(READABLE)


def load_best(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Weights and facts that `save_best` wrote."""
    with safe_open(path, framework="pt") as file:
        facts = (file.metadata() or {}).get(FACTS, "{}")
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(facts)  # noqa: SIM118
