"""Weights and vocabularies of other people, each fetched once, at a pinned revision, and checked."""
