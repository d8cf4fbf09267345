"""Models nobody listed: read from a hub's repository, a folder or a GGUF file into a row of the catalog."""
