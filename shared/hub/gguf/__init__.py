"""The header of a GGUF file becomes the shape its memory follows from (pure)."""
