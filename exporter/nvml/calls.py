"""NVML's calls with their failures sorted: the only file that imports pynvml."""

import ctypes
from collections.abc import Collection, Sequence
from typing import Any, Final

import pynvml

from exporter.reading import CallError, DriverUnavailable

MIG_ENABLED: Final[int] = pynvml.NVML_DEVICE_MIG_ENABLE
TEMPERATURE_GPU: Final[int] = pynvml.NVML_TEMPERATURE_GPU
ECC_UNCORRECTED: Final[int] = pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED
ECC_VOLATILE: Final[int] = pynvml.NVML_VOLATILE_ECC
XID_EVENT: Final[int] = pynvml.nvmlEventTypeXidCriticalError
MEMORY_V2: Final[int] = pynvml.nvmlMemory_v2

# NVMLLibraryMismatchError is raised for symbols an old library lacks and is no NVMLError: both are caught everywhere.
_FAILURES: Final = (pynvml.NVMLError, pynvml.NVMLLibraryMismatchError)
_LIBRARY_MISMATCH: Final = "library_mismatch"

_CODES: Final[dict[int, str]] = {
    value: name.removeprefix("NVML_ERROR_").lower()
    for name, value in vars(pynvml).items()
    if name.startswith("NVML_ERROR_") and isinstance(value, int)
}
# The device or driver does not have this: absence, not an error.
_ABSENT: Final = frozenset({"not_supported", "function_not_found", "not_found", _LIBRARY_MISMATCH})
_DEVICE_LOST: Final = frozenset({"gpu_is_lost", "reset_required", "gpu_not_found"})
_DRIVER_GONE: Final = frozenset({"uninitialized", "driver_not_loaded", "lib_rm_version_mismatch"})

_SENTENCES: Final = {
    "library_not_found": "The NVIDIA driver library libnvidia-ml.so.1 is not installed here.",
    "driver_not_loaded": "The NVIDIA driver is not loaded.",
    "lib_rm_version_mismatch": "The NVIDIA driver was changed under us: this process must be restarted.",
    "no_permission": "The NVIDIA driver refuses us permission.",
    "unknown": "The NVIDIA driver answers 'unknown error'; in a container that usually means it lost its GPUs.",
    "uninitialized": "The NVIDIA driver was unloaded under us.",
}


class CallFailed(Exception):
    """One call failed; `code` is NVML's name of the error in lower case."""

    def __init__(self, call: str, code: str) -> None:
        super().__init__(f"{call}: {code}")
        self.call = call
        self.code = code


class DeviceLost(CallFailed):
    """The device this call was about is gone or wants a reset."""


class Calls:
    """NVML's functions by name; what went wrong is gathered in `errors`."""

    def __init__(self) -> None:
        self.errors: list[CallError] = []

    def must(self, call: str, *args: Any, expected: Collection[str] = ()) -> Any:
        """What the call returns. Failures with `expected` codes are answers, and not counted as errors.

        Raises:
            CallFailed: It failed. DeviceLost when that is because the device is gone.
            DriverUnavailable: It failed because the whole driver is gone.
        """
        try:
            return getattr(pynvml, call)(*args)
        except _FAILURES as error:
            code = _code(error)
            if code not in _ABSENT and code not in expected:
                self.errors.append(CallError(call=call, code=code))
            if code in _DRIVER_GONE:
                raise unavailable(call, code, self.errors) from error
            raise (DeviceLost if code in _DEVICE_LOST else CallFailed)(call, code) from error
        except UnicodeDecodeError as error:  # pynvml decodes names strictly; a driver may hand out garbage
            self.errors.append(CallError(call=call, code="undecodable"))
            raise CallFailed(call, "undecodable") from error

    def may(self, call: str, *args: Any) -> Any | None:
        """What the call returns, or None where it failed; a lost device or driver is still raised."""
        try:
            return self.must(call, *args)
        except DeviceLost:
            raise
        except CallFailed:
            return None


def unavailable(call: str, code: str, errors: Sequence[CallError]) -> DriverUnavailable:
    """The failure of `call` as a failure of the whole driver."""
    sentence = _SENTENCES.get(code, f"The NVIDIA driver fails at {call} with '{code}'.")
    return DriverUnavailable(code, sentence, errors)


def _code(error: Exception) -> str:
    value = getattr(error, "value", None)  # NVMLError's == raises AttributeError, so we look at the number
    return _LIBRARY_MISMATCH if value is None else _CODES.get(value, f"code_{value}")


def address(handle: Any) -> int:
    """What makes a handle comparable: ctypes makes a new pointer object of the same device each time."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
