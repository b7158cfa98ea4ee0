"""C functions out of Python ones: compiling, addresses, loops over cells, threads that share work."""
