"""llama.cpp held to what llama.cpp itself allocates."""
