"""The figures: one file for each plot, with a function that returns the data and one that draws them."""
