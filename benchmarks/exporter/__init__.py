"""What the exporter costs, and what its peers cost over the same driver."""
