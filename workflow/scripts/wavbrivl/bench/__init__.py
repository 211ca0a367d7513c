"""Benchmarks: each measures one thing beside the plain way, in the same run."""
