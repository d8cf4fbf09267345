"""llama.cpp as its own oracle: what the engine itself allocates for our shapes, beside what we say it does."""
