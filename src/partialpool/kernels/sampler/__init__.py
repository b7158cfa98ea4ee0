"""The no-U-turn sampler: leapfrog steps and transitions of one chain."""
