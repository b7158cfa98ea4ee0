"""The priors: one file is one prior, with its density, derivative, draw and text form, and the defaults."""
