"""Tables in, columns out: the only files that meet pandas, Polars, Arrow and files; bundled data sets."""
