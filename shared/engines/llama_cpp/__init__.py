"""llama.cpp: what it allocates, how to start it, and how to read a running one."""
