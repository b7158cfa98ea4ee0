"""A density in, draws out: NUTS, its starting point, and the centring of each group."""
