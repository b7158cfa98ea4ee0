"""What was asked, checked and frozen: the parameters' layout, the log density, the Stan export."""
