"""A look at a fleet as a value, with hostile names in it."""

from bot.fleet import Fleet, FleetGpu, FleetNode, LoadedModel

GIB = 1024**3
HOSTILE = "<!channel> <@U1> &amp; <http://x|y> *b* `c` @here \u202e\x00"
LOADED = LoadedModel(model=HOSTILE, engine="vllm", quantization="FP8", used_bytes=GIB, workload=HOSTILE)


def fleet(nodes: int = 2, gpus: int = 4, loaded: tuple[LoadedModel, ...] = (LOADED,)) -> Fleet:
    """Nodes of A100 40GB, each GPU with a little less room than the one before."""

    def gpu(node: int, number: int) -> FleetGpu:
        return FleetGpu(
            uuid=f"GPU-{node}-{number}",
            index=str(number),
            product="NVIDIA A100-SXM4-40GB",
            gpu_id="a100-40gb",
            total_bytes=40 * GIB,
            free_bytes=(39 - number) * GIB,
            loaded=loaded,
        )

    return Fleet(
        nodes=tuple(
            FleetNode(
                name=f"node-{node}", gpus=tuple(gpu(node, number) for number in range(gpus)), age_seconds=12
            )
            for node in range(nodes)
        ),
        source="Prometheus",
        problems=(f"the exporter at {HOSTILE}: no answer in time",) * 9,
    )
