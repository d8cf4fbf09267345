"""What cannot be had for less: a bound that only grows, for questions where the whole need may fall."""

from collections.abc import Sequence

from shared.inverse.attempt import NOTHING_HELPS, Attempt

# Rotation factors are held once by every GPU with layers, so their sum may fall when layers move together.
_REPEATED_MOST_BYTES = 64 * 1024


def surely_missing_bytes(made: Attempt, capacity_bytes: Sequence[int]) -> int:
    """By how much weights, cache and states alone are more than all GPUs together can hold.

    Their sum grows with every layer on the GPUs, every sequence and every token, also where the compute buffers or
    the share of the fullest GPU fall; so where it is too large, it is for all that ask for more.
    """
    found = made.estimate
    if found is None:
        return NOTHING_HELPS
    held = sum(
        device.weights_bytes + device.kv_cache_bytes + device.recurrent_state_bytes
        for device in found.breakdown.per_gpu
    )
    return held - _REPEATED_MOST_BYTES * len(capacity_bytes) - sum(capacity_bytes)
