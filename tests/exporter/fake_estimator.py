"""An engine with round numbers, so that a test can say what fits without trusting the estimator."""

from collections.abc import Sequence

from shared.catalog.rows import Engine, Gpu
from shared.engines.engine import FreeMemory, Launch
from shared.errors import Refused, Unsupported
from shared.memory.breakdown import Breakdown, DeviceMemory
from shared.memory.workload import Workload

GIB = 1024**3


class RoundEngine:
    """Needs one GiB per 1,024 tokens of context on each GPU, give or take a quarter of a GiB.

    Refuses quantizations of integers, has no rule for mixtures of experts, and breaks at 13k of context.
    """

    FREE_MEMORY = FreeMemory.SHARES

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def memory(self, workload: Workload, gpus: Sequence[Gpu], facts: Engine) -> Breakdown:
        self.asked.append((workload.model.id, len(gpus)))
        if workload.context_tokens == 13 * 1024:
            raise ZeroDivisionError("a fault of the estimator's own")
        if workload.quantization.id == "INT8":
            raise Refused("round", "it knows no integers")
        if workload.model.shape.experts is not None:
            raise Unsupported("no rule for experts")
        device = DeviceMemory(
            weights_bytes=workload.context_tokens * GIB // 1024 // len(gpus), uncertainty_bytes=GIB // 4
        )
        return Breakdown(
            engine="round",
            engine_version="1",
            model_file_bytes=0,
            per_gpu=(device,) * len(gpus),
            host=DeviceMemory(),
        )

    def launch(self, workload: Workload, gpus: Sequence[Gpu]) -> Launch:
        raise NotImplementedError
