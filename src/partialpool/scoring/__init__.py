"""Predictive accuracy for new data: cross-validation, and the comparison of models."""
