"""Facts about models, GPUs, quantizations and engines: row types, loading, and finding a row by name."""
