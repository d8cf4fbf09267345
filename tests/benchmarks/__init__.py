"""What the benchmarks claim in docs is what they print."""
