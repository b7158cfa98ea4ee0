"""Files: saved fits, draws on disk during sampling, and writing files completely or not at all."""
