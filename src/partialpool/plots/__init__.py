"""The figures: one file a plot, with a function that returns what is drawn and a function that draws it."""
