"""Human judgement: a page that asks, the files that it exports, and Table 4 out of them."""
