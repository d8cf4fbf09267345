"""The arithmetic no engine owns: what is to be run, the tensors of a model, and where every byte goes."""
