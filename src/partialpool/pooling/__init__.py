"""Comparison of no, partial and complete pooling, with explanations."""
