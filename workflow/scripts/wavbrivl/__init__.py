"""WavBriVL: align an audio encoder with a frozen vision-language model, and measure it.

The package is usable without Snakemake; every rule of the workflow is a thin script
that calls into it. Nothing heavy is imported here, so that ``import wavbrivl`` is cheap.
"""

import os

# Read when torch loads its thread library, so it must be set before. A waiting thread spins for a moment
# only, then sleeps: spinning for long, as is the default, makes a training step ten times slower as soon
# as another program runs on the machine; not spinning at all makes it half as fast again [both measured].
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

__version__ = "0.1.0"
