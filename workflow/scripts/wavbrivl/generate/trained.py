"""The record that an own generator's training leaves; light, because planning reads its name."""

TRAINED = "trained.json"
"""In the model folder, written last: class, settings, seed, train clips, and a checksum of every file."""
