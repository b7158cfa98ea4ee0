"""The log density of a model and its gradient, step by step: parameters, effects, cells."""
