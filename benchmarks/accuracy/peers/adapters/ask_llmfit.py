"""llmfit: its `plan` command, by the repository's name in its own catalog."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

from answering import NoAnswer, answer, one_gpu

PROGRAM = str(Path(sys.executable).parent / "llmfit")
_KV = {"auto": "fp16", "f16": "fp16", "bf16": "fp16", "fp8": "fp8", "q8_0": "q8_0", "q4_0": "q4_0"}


@cache
def plan(repo, context, quantization):
    command = [PROGRAM, "--memory", "80G", "--ram", "128G", "plan", repo, "--json"]
    command += ["--context", str(context), "--quant", quantization]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoAnswer(done.stderr.strip().splitlines()[-1][:120])
    found = json.loads(done.stdout)
    if found["model_name"].lower() != repo.lower():
        raise NoAnswer("its catalog has no such repository")
    return found


def ask(question):
    one_gpu(question)
    kv_type = _KV.get(question["kv_type"])
    if kv_type is None:
        raise NoAnswer(f"it has no KV cache of type {question['kv_type']}")
    quantization = {"GPTQ": "GPTQ-Int4", "MXFP4_MOE": "MXFP4"}.get(
        question["quantization"], question["quantization"]
    )
    found = plan(question["repo"], question["context_tokens"], quantization)
    caches = {row["kv_quant"]: row for row in found["kv_alternatives"]}
    weights, kv = found["disk_size_gb"], caches[kv_type]["kv_cache_gb"]
    rest = caches[kv_type]["memory_required_gb"] - weights - kv
    return {"weights": weights, "kv": kv, "rest": rest}


answer(ask)
