"""Classes of GPUs whose CUDA contexts were measured alike."""

from shared.catalog.rows import Gpu


def context_class(gpu: Gpu) -> str:
    """Which measured CUDA context this GPU's resembles."""
    if gpu.architecture.startswith("Blackwell"):
        return "blackwell"
    if gpu.segment == "datacenter":
        return "datacenter"
    return "ada" if gpu.architecture.startswith("Ada") else "older"
