"""A quick penalised fit: where the posterior is, and how curved, before anything is sampled."""
