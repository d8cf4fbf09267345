"""A fleet of a thousand nodes in one Prometheus: what it costs. `python -m benchmarks.fleet` measures it."""
