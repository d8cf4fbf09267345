"""The driver through NVML."""
