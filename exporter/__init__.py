"""The Prometheus exporter that runs on every GPU node."""
