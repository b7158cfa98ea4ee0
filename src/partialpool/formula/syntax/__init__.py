"""A formula as it is written: its pieces, what each of them says, and what cannot be said."""
