"""Pages and folders made of results, pooling and plots; no statistics are computed here."""
