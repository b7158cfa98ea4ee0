"""Model checking: replicated data compared with observed data; residuals."""
