"""The exporter's HTTP server: small, on its own event loop, answering from what is already rendered."""
