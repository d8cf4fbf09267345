"""The Python one-liner that runs a workload with transformers."""

from collections.abc import Iterator, Sequence
from typing import Final

from shared.catalog.rows import Gpu
from shared.engines.checkpoints import checkpoint
from shared.engines.engine import Launch
from shared.memory.workload import Workload

# What bitsandbytes makes from 16-bit weights while they load.
ON_THE_FLY: Final = frozenset({"NF4", "LLM.INT8"})
_DTYPE: Final = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
_BITSANDBYTES: Final = {
    "NF4": 'BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")',
    "LLM.INT8": "BitsAndBytesConfig(load_in_8bit=True)",
}


def launch(workload: Workload, gpus: Sequence[Gpu]) -> Launch:
    """`python -c …` that loads the model over all visible GPUs (or the CPU) and answers one prompt."""
    weights = checkpoint(workload.model, workload.quantization, on_the_fly=ON_THE_FLY)
    arguments = [f'"{weights.name}"', f'device_map="{"auto" if gpus else "cpu"}"']
    quantization = workload.quantization.id
    embeds = workload.model.shape.kind == "embedding"
    loader = "AutoModel" if embeds else "AutoModelForCausalLM"
    names = [loader, "AutoTokenizer"]
    if quantization in _DTYPE:
        arguments.append(f'dtype="{_DTYPE[quantization]}"')
    elif not weights.as_published and quantization in _BITSANDBYTES:
        names.append("BitsAndBytesConfig")
        arguments.append(f"quantization_config={_BITSANDBYTES[quantization]}")
    cut = f", truncation=True, max_length={workload.context_tokens}" if embeds else ""
    guesses = workload.speculation is not None and workload.speculation.draft is not None
    asks = (
        ("print(model(**prompt).last_hidden_state.mean(dim=1))",)
        if embeds
        else (
            f"answer = model.generate(**prompt, max_length={workload.context_tokens}"
            + (", assistant_model=assistant)" if guesses else ")"),
            "print(tokenizer.decode(answer[0]))",
        )
    )
    lines = (
        f"from transformers import {', '.join(names)}",
        f'tokenizer = AutoTokenizer.from_pretrained("{weights.name}")',
        f"model = {loader}.from_pretrained({', '.join(arguments)})",
        *_beside(workload),
        f'prompt = tokenizer("Hello"{cut}, return_tensors="pt").to(model.device)',
        *asks,
    )
    return Launch(argv=("python", "-c", "\n".join(lines)), notes=weights.notes)


def _beside(workload: Workload) -> Iterator[str]:
    """Lines that load adapters and an assistant; adapters' names are the reader's own."""
    if workload.adapters is not None:
        for turn in range(workload.adapters.count):
            yield f'model.load_adapter("adapter-{turn}", adapter_name="adapter-{turn}")'
    speculation = workload.speculation
    if speculation is not None and speculation.draft is not None:
        stored = checkpoint(
            speculation.draft, speculation.quantization or workload.quantization, on_the_fly=frozenset()
        )
        yield f'assistant = AutoModelForCausalLM.from_pretrained("{stored.name}", dtype="auto").to(model.device)'
        yield f"assistant.generation_config.num_assistant_tokens = {speculation.tokens}"
