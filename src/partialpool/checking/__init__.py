"""Model checking: replicated data, residuals, cross-validation, comparison of models."""
