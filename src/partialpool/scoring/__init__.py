"""How well a model predicts what it has not seen: cross-validation, and the comparison of models."""
