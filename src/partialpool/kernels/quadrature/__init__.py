"""Integrals over the effects of each group, and draws of them."""
