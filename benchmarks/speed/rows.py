"""Fits as rows of the catalog's facts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.speed.host import HostSpeed
from benchmarks.speed.servers import Servers

_HEAD: Final = """\
# Decode speed per engine and memory class. Written by `python -m benchmarks.speed.calibrate --write`; do not edit.
# Measurements, with the address of each: benchmarks/speed/data/.
"""

# Names in the measurements -> ids of the catalog.
CARDS: Final = {
    "A100 PCIe 80GB": "a100-80gb-pcie",
    "A100 SXM4 80GB": "a100-80gb",
    "A40": "a40",
    "Apple M1 Max": "m1-max-64gb",
    "Apple M2 Ultra": "m2-ultra-192gb",
    "Apple M3 Max (40-core)": "m3-max-64gb",
    "Apple M3 Ultra": "m3-ultra-512gb",
    "GB10 (DGX Spark)": "dgx-spark",
    "GeForce RTX 2080 Ti": "rtx-2080-ti",
    "GeForce RTX 3060 12GB": "rtx-3060-12gb",
    "GeForce RTX 3070": "rtx-3070",
    "GeForce RTX 3080 10GB": "rtx-3080-10gb",
    "GeForce RTX 3080 Ti": "rtx-3080-ti",
    "GeForce RTX 3090": "rtx-3090",
    "GeForce RTX 3090 Ti": "rtx-3090-ti",
    "GeForce RTX 4070 Ti": "rtx-4070-ti",
    "GeForce RTX 4080": "rtx-4080",
    "GeForce RTX 4090": "rtx-4090",
    "GeForce RTX 5090": "rtx-5090",
    "H100 PCIe 80GB": "h100-80gb-pcie",
    "Instinct MI250X (per GCD)": "mi250x",
    "L40S": "l40s",
    "RTX 4000 Ada": "rtx-4000-ada",
    "RTX 5000 Ada": "rtx-5000-ada",
    "RTX 6000 Ada": "rtx-6000-ada",
    "RTX A4000": "rtx-a4000",
    "RTX A6000": "rtx-a6000",
    "RTX PRO 6000 Blackwell Max-Q": "rtx-pro-6000-max-q",
    "RTX PRO 6000 Blackwell Workstation Edition": "rtx-pro-6000",
    "Radeon AI PRO R9700": "ai-pro-r9700",
    "Radeon PRO W7900": "pro-w7900",
    "Radeon RX 7900 XTX": "rx-7900-xtx",
    "Ryzen AI Max+ 395 (Strix Halo)": "ryzen-ai-max-395",
    "Tesla P40": "p40",
}

# Servers of which too few plain single-stream runs are published to fit: they compile and capture the whole step as
# gpt-fast does, so its constants stand in, marked as measured on no card and with a wider range.
_STAND_INS: Final = ("vllm", "sglang", "tgi")
_WIDER: Final = (0.75, 1.25)
# A typical desktop (two channels of DDR5-5600) and a typical GPU server (eight channels of DDR4-3200).
_HOSTS: Final = (("host-desktop", 89_600_000_000), ("host-server", 204_800_000_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The constants of one class, the spread on cards it had not seen, and the cards behind it."""

    engine: str
    memory_class: str
    efficiency: float
    kv_efficiency: float
    seconds_per_layer: float
    hop_seconds: float
    low: float
    high: float
    samples: int
    cards: tuple[str, ...]
    seen: bool


def written(fits: Sequence[Fit], host: HostSpeed, servers: Servers) -> str:
    """The whole facts file."""
    return "\n".join((_HEAD, *_rows(fits, host, servers)))


def stand_in(by_class: Mapping[tuple[str, str], Fit], memory_class: str) -> Fit:
    """The fit that stands in for the servers on this class of memory."""
    return by_class.get(("gpt-fast", memory_class)) or by_class["llama.cpp", memory_class]


def _rows(fits: Sequence[Fit], host: HostSpeed, servers: Servers) -> Iterator[str]:
    by_class = {(fit.engine, fit.memory_class): fit for fit in fits}
    for fit in fits:
        if fit.engine == "llama.cpp":
            cards = tuple(CARDS[card] for card in fit.cards)
            yield _row(
                fit,
                "llama.cpp",
                fit.memory_class,
                cards,
                "measured",
                "fitted by benchmarks/speed/calibrate.py",
            )
    for engine in _STAND_INS:
        for memory_class in ("nvidia-hbm", "amd-hbm", "nvidia-gddr"):
            fit = stand_in(by_class, memory_class)
            said = servers.words(memory_class) if engine == "vllm" else ""
            text = f"{fit.engine}'s constants stand in; fitted by benchmarks/speed/calibrate.py{said}"
            yield _row(fit, engine, memory_class, (), "derived", text, servers.pcie_hop_seconds)
    for memory_class, bandwidth in _HOSTS:
        yield _host_row(memory_class, bandwidth, host)


def _row(
    fit: Fit,
    engine: str,
    memory_class: str,
    cards: tuple[str, ...],
    kind: str,
    text: str,
    pcie_hop_seconds: float = 0.0,
) -> str:
    wider = (1.0, 1.0) if cards else _WIDER
    lines = [
        f'[speeds."{engine}/{memory_class}"]',
        f'engine = "{engine}"',
        f'memory_class = "{memory_class}"',
        f"efficiency = {fit.efficiency:.3f}",
        f"kv_efficiency = {fit.kv_efficiency:.3f}",
        f"seconds_per_layer = {fit.seconds_per_layer:.3e}",
        f"hop_seconds = {fit.hop_seconds:.3e}",
        *([f"pcie_hop_seconds = {pcie_hop_seconds:.3e}"] if pcie_hop_seconds else []),
        f"low = {fit.low * wider[0]:.3f}",
        f"high = {fit.high * wider[1]:.3f}",
        f"samples = {fit.samples if cards else 0}",
        f"measured_on = [{', '.join(repr(card).replace(chr(39), chr(34)) for card in cards)}]",
        f'source = {{ kind = "{kind}", text = "{text}" }}',
    ]
    return "\n".join(lines) + "\n"


def _host_row(memory_class: str, bandwidth: int, host: HostSpeed) -> str:
    lines = [
        f'[speeds."llama.cpp/{memory_class}"]',
        'engine = "llama.cpp"',
        f'memory_class = "{memory_class}"',
        f"efficiency = {host.efficiency:.3f}",
        f"kv_efficiency = {host.efficiency:.3f}",
        "seconds_per_layer = 0.0",
        f"low = {host.low:.3f}",
        f"high = {host.high:.3f}",
        f"samples = {len(host.sources)}",
        f"bandwidth_bytes_per_second = {bandwidth}",
        f'source = {{ kind = "published", text = "{", ".join(host.sources)}" }}',
    ]
    return "\n".join(lines) + "\n"
