"""No, partial and complete pooling side by side, and why they differ."""
