"""Speculative decoding in SGLang: the drafter is loaded before the pool is cut, and its layers widen the rows."""

from shared.catalog.rows import LayerKind, Model
from shared.engines.sglang.settings import SERVER
from shared.errors import BadValue, Refused, Unsupported
from shared.memory.divisibility import undivided
from shared.memory.drafter_weights import draft_model_bytes, mtp_bytes
from shared.memory.server_weights import Stage
from shared.memory.split import Split
from shared.memory.workload import Workload


def check_speculation(workload: Workload, split: Split, pipeline: int) -> None:
    """Raise where SGLang does not start with this drafter, or we have no rule.

    sglang/srt/server_args.py: over pipeline stages only a server that prefills for others drafts, and we know none.

    Raises:
        BadValue: Nothing is guessed ahead.
        Refused: Pipeline stages, no MTP layers, another vocabulary, or a draft model that does not divide.
        Unsupported: Recurrent layers, whose older states SGLang keeps in a way we have no rule for.
    """
    speculation, model = workload.speculation, workload.model
    if speculation is None:
        return
    if speculation.tokens < 1:
        raise BadValue("num_speculative_tokens", speculation.tokens, "give at least one token")
    if pipeline > 1:
        raise Refused(
            SERVER.name,
            f"it does not guess ahead over {pipeline} pipeline stages; tensor parallel alone works",
            field="speculation",
        )
    if LayerKind.RECURRENT in model.shape.layer_pattern:
        raise Unsupported(
            f"I have no rule for what SGLang keeps of {model.name}'s recurrent states while it guesses ahead; "
            "vLLM and llama.cpp I know."
        )
    draft = speculation.draft
    if draft is None and not model.shape.mtp_layers:
        raise Refused(
            SERVER.name,
            f"the checkpoint of {model.name} has no multi-token-prediction layers; a draft model works",
            field="speculation",
        )
    if draft is not None:
        _check_draft(draft, model, split)


def _check_draft(draft: Model, model: Model, split: Split) -> None:
    if draft.shape.vocabulary_size != model.shape.vocabulary_size:
        raise Refused(
            SERVER.name, f"{draft.name} and {model.name} have no common vocabulary", field="speculation"
        )
    if reason := undivided(draft.shape, Split.even(split.attention)):
        raise Refused(
            SERVER.name, f"the draft model is cut as the model is, and has {reason}", field="speculation"
        )


def draft_bytes(workload: Workload, stage: Stage, split: Split) -> int:
    """Weights of the drafter on a rank of this stage; only the last stage drafts.

    sglang/srt/managers/scheduler.py of 0.5.23: `maybe_init_draft_worker` comes before `init_memory_pools`.
    """
    speculation = workload.speculation
    if speculation is None or not stage.last:
        return 0
    if speculation.draft is None:
        return mtp_bytes(workload.model, workload.quantization, split)
    stored = speculation.quantization or workload.quantization
    return draft_model_bytes(speculation.draft, stored, split.attention)


def draft_layers(workload: Workload) -> int:
    """Layers a token's row grows by, each counted as wide as the model's own.

    sglang/srt/model_executor/pool_configurator.py of 0.5.23: "assumes the draft shares the target's per-layer KV size".
    """
    speculation = workload.speculation
    if speculation is None:
        return 0
    return speculation.draft.shape.layers if speculation.draft else workload.model.shape.mtp_layers


def rows_per_sequence(workload: Workload) -> int:
    """Rows of logits one sequence takes in a step: its next token, and those to verify."""
    return 1 + (workload.speculation.tokens if workload.speculation else 0)


def flags(workload: Workload, draft_name: str) -> list[str]:
    """`--speculative-…`: a chain of guesses (one candidate each), as vLLM and llama.cpp make them."""
    speculation = workload.speculation
    if speculation is None:
        return []
    argv = ["--speculative-algorithm", "STANDALONE" if speculation.draft else "EAGLE"]
    if speculation.draft:
        argv += ["--speculative-draft-model-path", draft_name]
    argv += ["--speculative-num-steps", str(speculation.tokens), "--speculative-eagle-topk", "1"]
    return [*argv, "--speculative-num-draft-tokens", str(speculation.tokens + 1)]
