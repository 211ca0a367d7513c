"""Captions for sounds, and retrieval by caption (Clotho)."""
