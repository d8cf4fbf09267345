"""The KV cache types SGLang has."""

from typing import Final

from shared.catalog.rows import LayerKind
from shared.engines.sglang.settings import SERVER
from shared.errors import Refused
from shared.memory.workload import Workload

FLAG: Final = {
    "f16": "auto",
    "fp16": "auto",
    "float16": "auto",
    "bf16": "bf16",
    "bfloat16": "bf16",
    "fp8": "fp8_e4m3",
    "fp8_e4m3": "fp8_e4m3",
    "fp8_e5m2": "fp8_e5m2",
}


def cache_element_bytes(workload: Workload, *, blackwell: bool) -> int:
    """Bytes of one cached number; `auto` is the model's 16 bits, but FP8 for sparse MLA on Blackwell.

    sglang/srt/arg_groups/fields/model.py of 0.5.23; DeepSeek-V3.2 logs of B200 print 40,019 bytes a token, FP8 rows.

    Raises:
        Refused: Keys and values of unlike types, or a type SGLang does not have.
    """
    given = {workload.kv_cache_type_k.lower(), workload.kv_cache_type_v.lower()} - {"auto"}
    if len(given) > 1:
        raise Refused(
            SERVER.name,
            "keys and values of its KV cache have one type; --kv-cache-dtype fp8_e4m3 halves both",
            field="kv_cache_type",
        )
    for name in given:
        if name not in FLAG:
            raise Refused(
                SERVER.name,
                f"its KV cache has no type {name}; auto, bf16, fp8_e4m3 and fp8_e5m2 work",
                field="kv_cache_type",
            )
        return 1 if FLAG[name].startswith("fp8") else 2
    latent = workload.model.shape.latent
    sparse = latent is not None and latent.indexer_heads > 0
    sparse = sparse and LayerKind.LATENT in workload.model.shape.layer_pattern
    return 1 if sparse and blackwell else 2
