"""Studies on drawn images: judges, scores, tables 3 and 4, volume, rounds, swaps, and what people say."""
