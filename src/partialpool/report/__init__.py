"""Pages and folders made of results, pooling and plots: they read, and compute no statistics."""
