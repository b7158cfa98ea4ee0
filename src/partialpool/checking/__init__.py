"""Model checking: what a model makes of the same rows, beside what was seen; residuals."""
