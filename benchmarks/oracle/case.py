"""One way of running one model that the engine is asked about, and what it answered."""

from dataclasses import dataclass

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.memory.workload import Workload

STAND_IN = "h200"  # the devices are RPC servers; any GPU of this size or larger estimates the same buffers


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is asked, in llama.cpp's own terms.

    Attributes:
        program: Whose logits rows are reserved: llama-server's (one per slot) or llama-cli's (a batch).
        gpu_layers: `-ngl`; None is all.
        devices: How many GPUs, each with an equal share of the layers; 0 for host memory only.
    """

    model: str
    quantization: str = "Q4_K_M"
    context: int = 4096
    ubatch: int = 512
    key_type: str = "f16"
    value_type: str = "f16"
    flash: bool = True
    sequences: int = 1
    unified: bool = False
    swa_full: bool = False
    program: str = "llama-server"
    gpu_layers: int | None = None
    cpu_experts: int = 0
    devices: int = 1

    @property
    def name(self) -> str:
        """The case in words, without what is the default."""
        plain = Case(model=self.model)
        said = [
            f"{field}={getattr(self, field)}"
            for field in self.__dataclass_fields__
            if getattr(self, field) != getattr(plain, field)
        ]
        return " ".join([self.model, *said])

    def workload(self, catalog: Catalog, version: str) -> Workload:
        """The same as the estimator takes it."""
        return Workload(
            model=catalog.models[self.model],
            quantization=catalog.quantizations[self.quantization],
            engine="llama.cpp",
            engine_version=version,
            context_tokens=self.context,
            sequences=self.sequences,
            kv_cache_type_k=self.key_type,
            kv_cache_type_v=self.value_type,
            gpu_layers=self.gpu_layers,
            cpu_expert_layers=self.cpu_experts,
            ubatch_tokens=self.ubatch,
            flash_attention=self.flash,
            kv_unified=self.unified,
            swa_full=self.swa_full,
            program=self.program,
            tensor_split=(1,) * self.devices if self.devices > 1 else (),
        )

    def gpus(self, catalog: Catalog) -> tuple[Gpu, ...]:
        """The devices as GPUs."""
        return (catalog.gpus[STAND_IN],) * self.devices


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes in one place: weights, cache with recurrent state, compute buffer."""

    weights: int
    cache: int
    compute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What llama.cpp allocates on every device and on the host, or why it refuses."""

    devices: tuple[Held, ...] = ()
    host: Held | None = None
    refusal: str = ""
