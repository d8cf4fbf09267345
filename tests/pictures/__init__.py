"""The documentation's pictures, made from the real thing: `python -m tests.pictures`, or `make pictures`."""
