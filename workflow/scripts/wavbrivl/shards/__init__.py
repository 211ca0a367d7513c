"""WebDataset tars with an offset index: written once, read by position."""
