"""The command line of `fit`: every option, its help and nothing else."""

import argparse
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from shared.errors import UserError

_WITHOUT_A_VERB: Final = """\
examples:
  fit "can Mixtral 8x22B run on A100 40GB?"
  fit "70b q4 on 2x4090, 32k context" --json
  fit estimate --model mixtral-8x7b --quantization q4_k_m --gpu H200
  fit estimate --batch questions.jsonl
  fit gpus a100
"""


class BadArguments(UserError):
    """A command line that argparse does not accept, as one sentence."""


class _Parser(argparse.ArgumentParser):
    """Argparse whose complaints are our kind of error."""

    def error(self, message: str) -> NoReturn:
        raise BadArguments(f"{message[:1].upper()}{message[1:]}; `{self.prog} --help` lists what works.")


def parser(verb: str | None = None) -> argparse.ArgumentParser:
    """The command line; with `verb` only that verb has its options, as a question need not build the others'."""
    top = _Parser(
        prog="fit",
        description="Can this model run on that GPU, and what would make it?",
        epilog=_WITHOUT_A_VERB,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="store_true", help="the version and the date of its facts")
    # the name is given because argparse would format a whole help text to find it
    verbs = top.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser, prog="fit")
    for name, (what, options) in _VERBS.items():
        of_verb = verbs.add_parser(name, help=what)
        if verb in (None, name):
            options(of_verb)
    return top


def _ask(ask: argparse.ArgumentParser) -> None:
    ask.add_argument("question", nargs="+", metavar="QUESTION")
    ask.add_argument("--json", action="store_true", help="the plan as JSON")
    ask.add_argument("--all", action="store_true", help="show every quantization and source")
    ask.add_argument("--picture", metavar="FILE", help="write the options as an SVG or PNG picture as well")


def _listing(listing: argparse.ArgumentParser) -> None:
    listing.add_argument(
        "filter", nargs="?", default="", metavar="FILTER", help="show only names holding this"
    )
    listing.add_argument("--json", action="store_true", help="one JSON list")


def _explain(explain: argparse.ArgumentParser) -> None:
    explain.add_argument("model", metavar="MODEL")
    explain.add_argument("--json", action="store_true", help="JSON")


def _why(why: argparse.ArgumentParser) -> None:
    why.add_argument(
        "question", nargs="*", metavar="QUESTION", help="explain what it asks, instead of the flags"
    )
    _estimate(why)


def _catalog(checks: argparse.ArgumentParser) -> None:
    checks.add_argument("rest", nargs=argparse.REMAINDER)


def _estimate_or_solve(estimate: argparse.ArgumentParser) -> None:
    _estimate(estimate)
    estimate.add_argument(
        "--solve",
        choices=("context", "sequences", "layers", "experts", "quantization", "gpus"),
        help="the most (of GPUs and of experts on the host: the fewest) that fits, instead of whether this does",
    )


def _estimate(estimate: argparse.ArgumentParser) -> None:
    what = estimate.add_argument_group("what runs")
    what.add_argument("--model", help="catalog id, repository id, or any unambiguous name")
    what.add_argument("--quantization", help="such as BF16, FP8, AWQ, Q4_K_M; default: as published")
    what.add_argument("--engine", help="llama.cpp, vllm, sglang, tgi or transformers; default: the usual one")
    what.add_argument("--engine-version", help="the engine's version whose rules to use")
    what.add_argument(
        "--context", help="tokens, as the engine counts them: llama.cpp's -c is all slots together"
    )
    what.add_argument("--sequences", help="sequences at once (llama.cpp's -np)")
    _where(estimate.add_argument_group("where"))
    _beside(estimate.add_argument_group("beside the model"))
    _llama_cpp(estimate.add_argument_group("llama.cpp"))
    servers = estimate.add_argument_group("vLLM, SGLang, TGI")
    servers.add_argument("--gpu-memory-utilization", help="share of the GPU the engine may take")
    servers.add_argument("--max-num-seqs", help="most sequences in one step")
    servers.add_argument("--max-num-batched-tokens", help="most tokens in one step")
    servers.add_argument("--enforce-eager", action="store_true", default=None, help="no CUDA graphs")
    estimate.add_argument("--batch", metavar="FILE", help="JSON Lines in, JSON Lines out; - is stdin")
    estimate.add_argument("--json", action="store_true", help="JSON")


def _where(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--gpu",
        help='such as "A100 40GB", a slice ("A100 80GB 3g.40gb"), several ("2x RTX 4090, RTX 3090"); left out: '
        "bytes without a verdict",
    )
    group.add_argument("--gpu-count", help="how many of them")
    group.add_argument(
        "--reserved", metavar="GIB", help="taken of each GPU already, by a desktop say: 1.5, or 2,0"
    )
    group.add_argument("--tensor-parallel", help="GPUs that share every layer")
    group.add_argument("--pipeline-parallel", help="groups of GPUs that share the layers out")
    group.add_argument(
        "--data-parallel", help="copies of the engine, each with its own KV cache (vLLM, SGLang)"
    )
    group.add_argument(
        "--data-parallel-attention",
        action="store_true",
        default=None,
        help="SGLang's --attn-dp-size: the copies are groups within tensor parallel",
    )
    group.add_argument(
        "--expert-parallel",
        nargs="?",
        const="all",
        metavar="N",
        help="whole experts on every rank, over all ranks or N of them (SGLang's --ep-size)",
    )


def _beside(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--draft-model", help="guesses tokens ahead (vLLM, llama.cpp's -md)")
    group.add_argument("--draft-quantization", help="default: as the model's")
    group.add_argument("--draft-gpu-layers", help="llama.cpp's -ngld")
    group.add_argument(
        "--mtp", action="store_true", default=None, help="the checkpoint's own MTP layers guess ahead"
    )
    group.add_argument("--num-speculative-tokens", help="tokens guessed ahead")
    group.add_argument("--max-loras", help="LoRA adapters with room at once; llama.cpp: how many are loaded")
    group.add_argument("--max-lora-rank", help="the largest rank (default: 16)")
    group.add_argument("--lora-targets", help="all-linear (default) or attention")
    group.add_argument(
        "--mmproj", action="store_true", default=None, help="llama.cpp loads the vision or audio tower too"
    )


def _llama_cpp(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--kv-cache-type", help="of both halves, or K/V: q8_0, q8_0/f16")
    group.add_argument("--kv-cache-type-k", help="of the keys")
    group.add_argument("--kv-cache-type-v", help="of the values")
    group.add_argument("--gpu-layers", help="-ngl; the output layer counts as one")
    group.add_argument("--n-cpu-moe", help="experts of this many first layers stay on the host")
    group.add_argument("--ubatch", help="-ub, tokens of one physical batch")
    group.add_argument("--batch-size", help="-b, tokens of one logical batch")
    group.add_argument("--flash-attention", action=argparse.BooleanOptionalAction, help="-fa")
    group.add_argument("--kv-unified", action=argparse.BooleanOptionalAction, help="one cache for all slots")
    group.add_argument(
        "--swa-full", action=argparse.BooleanOptionalAction, help="windows as large as the context"
    )
    group.add_argument("--split-mode", help="layer (default), row or none")
    group.add_argument("--tensor-split", help="shares per GPU, such as 3,1")
    group.add_argument(
        "--program", help="llama-server (default) or llama-cli: they reserve different logits rows"
    )


_Options = Callable[[argparse.ArgumentParser], None]
_VERBS: Final[Mapping[str, tuple[str, _Options]]] = {
    "ask": ('answer a question in plain words (`fit "…"` does the same)', _ask),
    "estimate": ("where every byte goes, for exact settings", _estimate_or_solve),
    "models": ("the models we know", _listing),
    "gpus": ("the GPUs we know", _listing),
    "quantizations": ("the quantizations we know", _listing),
    "explain": ("what is known of one model, and where from", _explain),
    "why": ("an estimate's numbers as formulas with the values put in, and their sources", _why),
    "catalog": ("`check FILE`: is a file of facts sound; `add REPO|PATH`: a row of a real config", _catalog),
}
VERBS: Final = tuple(_VERBS)
