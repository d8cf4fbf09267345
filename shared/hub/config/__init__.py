"""A model's config.json becomes the shape its memory follows from (pure)."""
