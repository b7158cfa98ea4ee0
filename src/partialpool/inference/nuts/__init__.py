"""Sampling with NUTS: chains in threads, warm-up, metric, what a stopped run continues from."""
