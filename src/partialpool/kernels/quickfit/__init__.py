"""What the quick fit needs of the cells: the log likelihood to second order, and one block eliminated."""
