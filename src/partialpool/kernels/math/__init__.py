"""Special functions, correlations, random numbers: scalars in, scalars out."""
