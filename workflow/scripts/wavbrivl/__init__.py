"""WavBriVL: align an audio encoder with a frozen vision-language model, and measure it.

The package is usable without Snakemake; every rule of the workflow is a thin script
that calls into it. Nothing heavy is imported here, so that ``import wavbrivl`` is cheap.
"""

__version__ = "0.1.0"
