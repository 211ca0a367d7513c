"""WavBriVL: align an audio encoder with a frozen vision-language model, and measure it.

The package is usable without Snakemake; every rule of the workflow is a thin script
that calls into it. Nothing heavy is imported here, so that ``import wavbrivl`` is cheap.
"""

import os

# Read when torch loads its thread library, so it must be set before. Waiting threads sleep instead of
# spinning: with another program on the machine, two spinning threads are thirty times slower [measured].
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
