"""Draws and layout become labelled trees, summaries, and diagnostics in words."""
