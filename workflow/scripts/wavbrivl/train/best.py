"""What stands beside the best weights of a training, in the file that holds them."""

import json
from pathlib import Path

from wavbrivl.safetensors_header import read_header

FACTS = "wavbrivl"
"""Key of the file's metadata that holds all facts, as JSON."""


def best_facts(path: Path) -> dict[str, str]:
    """What was noted with the weights of best.safetensors.

    Raises:
        UserError: it is no safetensors file.
    """
    return json.loads(read_header(path).notes.get(FACTS, "{}"))
