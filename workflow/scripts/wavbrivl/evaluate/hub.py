"""Models of the Hugging Face hub, fetched once at a pinned revision; the only network of the evaluations."""

import logging
import shutil
from pathlib import Path

from wavbrivl.errors import UserError
from wavbrivl.evaluate.kinds import RECORD
from wavbrivl.files import write_json

logger = logging.getLogger("wavbrivl")

WANTED = ["*.json", "*.txt", "*.model"]
"""Beside the weights: configuration, feature extractor, vocabularies. Never code."""


def fetch_model(name: str, revision: str, folder: Path) -> None:
    """Download a model's configuration and weights into `folder`, whole or not at all, with `kinds.RECORD`.

    Safetensors are taken where there are any; otherwise `pytorch_model.bin`, which is only ever read
    without unpickling code.

    Raises:
        UserError: no network, no such model, or no weights that can be read.
    """
    from huggingface_hub import HfApi, snapshot_download

    folder = Path(folder)
    partial = folder.with_name(f".{folder.name}.{revision[:8]}.part")
    try:
        files = HfApi().list_repo_files(name, revision=revision)
        weights = [file for file in files if "/" not in file and file.endswith(".safetensors")]
        weights = weights or [file for file in files if file == "pytorch_model.bin"]
        if not weights or "config.json" not in files:
            raise UserError(f"{name}: the hub holds no model with config.json and weights at {revision}")
        logger.info("%s at %s: %d files of weights", name, revision[:8], len(weights))
        snapshot_download(name, revision=revision, local_dir=partial, allow_patterns=[*WANTED, *weights])
    except UserError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{name}: cannot be fetched from the hub ({reason[:200]})") from None
    shutil.rmtree(partial / ".cache", ignore_errors=True)
    write_json(partial / RECORD, {"id": name, "revision": revision})
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
