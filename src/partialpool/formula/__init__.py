"""A formula and a table become a frozen design: names, slices, matrices and group labels."""
