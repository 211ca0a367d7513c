"""Sound event detection: which event sounds when (DESED; the paper's Table 1 calls it AR)."""
