"""A node described by a file, for machines without a GPU."""
