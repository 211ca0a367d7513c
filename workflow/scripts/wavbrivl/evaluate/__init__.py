"""Downstream evaluation: encoders, protocols, metrics with intervals, one JSON file a task."""
