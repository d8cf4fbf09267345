"""The parts of a GPU's memory in the words every picture of it uses."""

from shared.memory.breakdown import DeviceMemory


def parts_of(device: DeviceMemory) -> dict[str, int]:
    """Part -> bytes, without those that are nothing."""
    parts = {
        "weights": device.weights_bytes,
        "KV cache": device.kv_cache_bytes,
        "state": device.recurrent_state_bytes,
        "compute": device.compute_bytes,
        "overhead": device.overhead_bytes,
    }
    return {name: size for name, size in parts.items() if size}
