"""A model of llama.cpp's compute graph, small enough to run for every question."""
