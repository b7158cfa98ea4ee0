"""Draws become predictions: linear predictors, means and outcomes."""
