"""The constraints: one file is one map from free numbers to constrained values, with its derivative."""
