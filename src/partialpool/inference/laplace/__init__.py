"""Nested Laplace: integrate group effects out given the rest, then the rest by importance sampling."""
