"""A model's specification: parameters and their layout, the log density, equations, the Stan export."""
