"""The audio encoder: WavLM, learned layer weights, pooling, an MLP and the cross projections."""
