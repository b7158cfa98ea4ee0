"""Posterior draws of a model: quick fit and coordinates, NUTS, nested Laplace."""
