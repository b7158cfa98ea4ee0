"""The families: one file is one family, whole, from its link to how its rows collapse into cells."""
