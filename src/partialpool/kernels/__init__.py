"""All numba loops: arrays in, arrays out, with no knowledge of families, tables or formulas."""
