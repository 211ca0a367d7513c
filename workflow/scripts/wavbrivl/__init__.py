"""WavBriVL: align an audio encoder with a frozen vision-language model, and measure it.

The package is usable without Snakemake; every rule of the workflow is a thin script that calls into it.
Nothing heavy is imported here: the public names below are looked up when they are first used, so
``import wavbrivl`` is cheap.

WavBriVL                                       load a trained model; embed, compare, classify
SearchIndex, Hit                               find images by sound, sounds by text, and the reverse
similarity                                     cosines between embeddings
read_audio, stream_audio                       any sound file as 16 kHz mono
WavBriVLModel, WavBriVLConfig, WavBriVLProcessor   the encoder as `transformers` has it
UserError                                      what all of these raise, in one sentence
"""

import gc
import importlib
import os

# Read when torch loads its thread library, so it must be set before. A waiting thread spins for a moment
# only, then sleeps: spinning for long, as is the default, makes a training step ten times slower as soon
# as another program runs on the machine; not spinning at all makes it half as fast again [both measured].
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# What a job of the workflow imports makes half a million objects, and all stay: looking for garbage among
# them takes a sixth of the time [measured]. `workflow.job` turns it on again. The variable is taken out, so
# that no process of the job's own inherits it.
if os.environ.pop("WAVBRIVL_JOB", None):
    gc.disable()

__version__ = "0.1.0"

_PUBLIC = {
    "WavBriVL": "wavbrivl.api.model",
    "similarity": "wavbrivl.api.model",
    "SearchIndex": "wavbrivl.api.index",
    "Hit": "wavbrivl.api.index",
    "read_audio": "wavbrivl.audio.files",
    "stream_audio": "wavbrivl.audio.files",
    "WavBriVLModel": "wavbrivl.audio.modeling",
    "WavBriVLConfig": "wavbrivl.audio.configuration",
    "WavBriVLProcessor": "wavbrivl.audio.processing",
    "UserError": "wavbrivl.errors",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str):
    """Look a public name up where it lives, once."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'wavbrivl' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
