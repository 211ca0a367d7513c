"""Alignment of the audio encoder with the frozen teacher."""
