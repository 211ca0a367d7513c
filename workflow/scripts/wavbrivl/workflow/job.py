"""The frame around every workflow script: logging, progress and errors in one sentence."""

import faulthandler
import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wavbrivl.errors import UserError

logger = logging.getLogger("wavbrivl")


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run a job's work: everything goes to the rule's log, progress to the terminal as well.

    A :class:`UserError` ends the job with its message alone; any other exception keeps its
    traceback, which is written to the log.
    """
    gc.freeze()  # what was imported until now stays: it is not searched
    gc.enable()
    label = f"{snakemake.rule} {' '.join(snakemake.wildcards)}".strip()
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    handlers = _handlers(log, label)
    faulthandler.enable()
    _stay_off_the_hub()
    try:
        yield
    except UserError as error:
        logger.error("%s", error)
        raise SystemExit(1) from None
    except Exception:
        logger.exception("failed")
        raise SystemExit(1) from None
    finally:
        gc.freeze()  # nor is what the process leaves behind, which ends here
        for handler in handlers:
            handler.flush()


def _handlers(log: Path, label: str) -> list[logging.Handler]:
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(logging.Formatter(f"[{label}] %(message)s"))
    file = logging.FileHandler(log, mode="w", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [terminal, file]
    logging.getLogger("py.warnings").handlers = [file]
    logging.captureWarnings(True)
    return logger.handlers


def _stay_off_the_hub() -> None:
    """No job asks a hub: weights are fetched by a rule of their own, which needs no library for it.

    The libraries read the variable when they are imported; for one that was imported before, its copy of
    the variable is changed as well.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
