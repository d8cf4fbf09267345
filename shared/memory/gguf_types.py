"""The storage types of a GGUF tensor: how many weights one block holds and how many bytes it takes."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class BlockType:
    """Weights come in blocks of `weights`, each taking `size_bytes` with its scales."""

    weights: int
    size_bytes: int

    def row_bytes(self, columns: int) -> int:
        """Bytes of one row of `columns` weights, which must be whole blocks."""
        return columns // self.weights * self.size_bytes


# gguf-py/gguf/constants.py, GGML_QUANT_SIZES
# https://github.com/ggml-org/llama.cpp/blob/0c1e57098/gguf-py/gguf/constants.py#L5958
GGUF_TYPES = MappingProxyType(
    {
        "f32": BlockType(1, 4),
        "f16": BlockType(1, 2),
        "bf16": BlockType(1, 2),
        "q8_0": BlockType(32, 34),
        "q8_1": BlockType(32, 36),
        "q5_1": BlockType(32, 24),
        "q5_0": BlockType(32, 22),
        "q4_1": BlockType(32, 20),
        "q4_0": BlockType(32, 18),
        "iq4_nl": BlockType(32, 18),
        "mxfp4": BlockType(32, 17),
        "nvfp4": BlockType(64, 36),
        "q2_0": BlockType(64, 18),
        "q1_0": BlockType(128, 18),
        "q6_K": BlockType(256, 210),
        "q5_K": BlockType(256, 176),
        "q4_K": BlockType(256, 144),
        "iq4_xs": BlockType(256, 136),
        "q3_K": BlockType(256, 110),
        "iq3_s": BlockType(256, 110),
        "iq3_xxs": BlockType(256, 98),
        "q2_K": BlockType(256, 84),
        "iq2_s": BlockType(256, 82),
        "iq2_xs": BlockType(256, 74),
        "iq2_xxs": BlockType(256, 66),
        "tq2_0": BlockType(256, 66),
        "iq1_m": BlockType(256, 56),
        "tq1_0": BlockType(256, 54),
        "iq1_s": BlockType(256, 50),
    }
)

UNQUANTIZED = frozenset({"f32", "f16", "bf16"})
