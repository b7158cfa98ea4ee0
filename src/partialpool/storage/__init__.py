"""Files: a fit kept whole, and every file written so that it is there whole or not at all."""
