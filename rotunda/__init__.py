"""The `rotunda` command, which assembles the pods into one process. The only package that imports them."""
