"""From what a chat or a shell hands us to one clean line of text, or the sentence that says why not."""

# ruff: noqa: RUF001 - look-alike characters are the subject of this file

import html
import re
import unicodedata
from typing import Final

from shared.catalog.packaging import unpacked
from shared.errors import UserError

LONGEST_QUESTION: Final = 2_000
EXAMPLE: Final = "can Mixtral 8x22B run on 2x A100 40GB with 32k context?"

_SLUG: Final = re.compile(r"[\w.]+(?:-[\w.]+){6,}")
_EXAMPLE_SENTENCE: Final = f"Name a model, a GPU or both, for example: {EXAMPLE}"

# Slack writes users, channels, commands and links in angle brackets, and escapes & < > that a person typed.
# https://docs.slack.dev/messaging/formatting-message-text (checked 2026-11)
_SLACK_REFERENCE: Final = re.compile(r"<[@#!][^<>]{0,200}>")
_SLACK_LINK: Final = re.compile(r"<(https?://[^<>|\s]{1,500})(?:\|[^<>]{0,300})?>")
_MODEL_PAGE: Final = re.compile(
    r"(?:https?://)?(?:www\.)?(?:(?:huggingface\.co|hf\.co|hf-mirror\.com)/|modelscope\.cn/models/)"
    r"(?!(?:spaces|datasets|docs|blog|papers|collections)/)(?:models/)?"
    r"([\w.-]{1,96}/[\w.-]{1,96})((?::[\w.-]+)?)([/?#]\S*)?",
    re.IGNORECASE,
)
_GGUF_IN_PAGE: Final = re.compile(r"/([\w.-]{1,120}\.gguf)\b", re.IGNORECASE)
_OLLAMA_PAGE: Final = re.compile(r"(?:https?://)?(?:www\.)?ollama\.com/library/([\w.:-]+)\S*", re.IGNORECASE)
_OTHER_LINK: Final = re.compile(r"https?://\S+")
_EMOJI_CODE: Final = re.compile(r"(?<![\w:]):[a-z][a-z0-9_+'-]{1,40}:(?![\w:])", re.IGNORECASE)
_COMMAND: Final = re.compile(
    r"^\W*(?:/?fit(?:bot|tingroom)?\b(?!\s+(?:in|on|onto|into|within|inside|with|it|a|the|my|to|at)\b)[\s,:]*)?"
    r"(?:(?:ask|plan)\b[\s,:]+)?",
    re.IGNORECASE,
)
_CHARACTERS: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−﹣", "-"),
        **dict.fromkeys("×✕✖⨯", "x"),
        **dict(zip("張顯臺兩雙單內塊個並發幾嗎長節點機", "张显台两双单内块个并发几吗长节点机", strict=True)),
        **dict.fromkeys("？", "?"),
        **dict.fromkeys("，、", ","),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f", None),
    }
)
_LOOKALIKES: Final = str.maketrans("АВЕКМНОРСТХахрсуеок", "ABEKMHOPCTXaxpcyeok")
_CYRILLIC_BESIDE_DIGIT: Final = re.compile(r"[А-Яа-я]{1,3}(?=\d)|(?<=\d)[АВЕКМНОРСТХахк](?![А-Яа-я])")
_REWRITES: Final = (
    (re.compile(r"(?<![\w.(])\d{1,2}\)(?=\s)"), ","),
    (re.compile(r"\bpython3? -m\b"), " "),
    (re.compile(r"(?<![\w-])(?:model|gpu|gpus|quant|quantization)=", re.IGNORECASE), " "),
    # bold, code, quotes; a star between a count and a name counts: "8*A100"
    (re.compile(r"(?<=[\w)])\s?\*\s?(?=\d{1,3}(?!\w))"), " x"),
    (re.compile(r"(?<=\d)\s?\*\s?(?=\d{0,2}[a-z(\d])", re.IGNORECASE), "x "),
    (re.compile(r"(?<!\w)_|_(?!\w)|[*~\"]|(?<!\w)'|'(?!\w)"), " "),
    # scripts that need no spaces stand right beside names
    # (no IGNORECASE: to compile it, re looks at each of 40,000 characters)
    (re.compile(r"(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(?=[A-Za-z0-9])"), " "),
    (re.compile(r"(?<=[A-Za-z0-9])(?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])"), " "),
    (re.compile(r"(?<![\w.])(\d{1,3})x(?=\d{1,4} ?g(?:i?b)?\b)", re.IGNORECASE), r"\1x "),
    # "2x8xH100", "2x 8x H100": machines of that many GPUs
    (
        re.compile(r"(?<![\w.])(\d{1,2}) ?x ?(\d{1,2}) ?x ?(?=[a-z])", re.IGNORECASE),
        r"\1 nodes of \2x ",
    ),
    (re.compile(r"\b(?:a|one) million(?= (?:tokens?|toks?|context|ctx)\b)", re.IGNORECASE), "1000000"),
    (
        re.compile(r"(?<![\w.])(\d{1,2}) million(?= (?:tokens?|toks?|context|ctx)\b)", re.IGNORECASE),
        r"\g<1>000000",
    ),
    # "qwen_72B_int4": an underscore behind a size ends the name
    (re.compile(r"(?<=\db)_(?=[a-z])", re.IGNORECASE), " "),
    (re.compile(r"(?<=\d)(ti|super|xtx?)(\d{1,2} ?g(?:i?b)?)\b", re.IGNORECASE), r"\1 \2"),
    # what clouds and images call GPUs and engines
    (re.compile(r"\bgpu_(\d{1,2})x_([a-z]+\d+)(?:_([a-z0-9]+))?\b", re.IGNORECASE), r"\1x \2 \3"),
    (re.compile(r"\b(macbook (?:pro|air)) 1[3-6](?:[ -]?inch)?\b", re.IGNORECASE), r"\1"),
    (re.compile(r"(?<=[a-z0-9])_(?=i?q\d)", re.IGNORECASE), " "),
    (re.compile(r"-\d{5}-of-\d{5}(?!\d)"), ""),
    (re.compile(r"(?:ghcr\.io/)?huggingface/text-generation-inference\S*", re.IGNORECASE), "tgi "),
    (re.compile(r"(?:ghcr\.io/)?ggml-org/llama\.cpp(?::\S*)?", re.IGNORECASE), "llama.cpp "),
    (re.compile(r"\bvllm/vllm-openai\S*", re.IGNORECASE), "vllm "),
    (re.compile(r"\b(awq|gptq)[-_]marlin\b", re.IGNORECASE), r"\1"),
    (re.compile(r"\blmsysorg/(?=sglang)", re.IGNORECASE), ""),
    (re.compile(r"\bdistil(?:led)?\b", re.IGNORECASE), "distill"),
    # one way to write a number of parameters
    (re.compile(r"(?<=\d)\s?-?(?:billions?|bil|bn)\b(?:[ -]param(?:eter)?s?\b)?", re.IGNORECASE), "b"),
    (re.compile(r"(?<=\d)\s?-?trillion\b(?:[ -]param(?:eter)?s?\b)?", re.IGNORECASE), "t"),
    (re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) (b)(?=[\s,.?!)/]|$)", re.IGNORECASE), r"\1\2"),
    (re.compile(r"(?<![\w.])(\d{1,2}) ?x ?(\d+(?:\.\d+)?) ?(b)\b", re.IGNORECASE), r"\1x\2\3"),
    # "H100 SXM vs PCIe": the card is said once
    (
        re.compile(
            r"\b([ahv]\d{2,3})[ -]?(sxm\d?|pcie|nvl)( (?:vs\.?|versus|or) |/)(sxm\d?|pcie|nvl)\b",
            re.IGNORECASE,
        ),
        r"\1 \2\3\1 \4",
    ),
    # "embedding model bge-m3": what kind it is, and then its name
    (
        re.compile(
            r"\b(?:embeddings?|rerank(?:er|ing)|vision|coding|chat) model (?=[a-z]+[\w.-]*\d)", re.IGNORECASE
        ),
        "",
    ),
    # cards by number and memory alone: "8x80"
    (re.compile(r"(?<![\w.(])(\d{1,2})x ?(16|24|32|40|48|80|96|141|192)(?![\w.,%-]|:\d)"), r"\1x \2 GB"),
    (re.compile(r"\s+"), " "),
)


def readable(text: str) -> str:
    """The question as one clean line.

    Raises:
        UserError: It is longer than LONGEST_QUESTION characters, or has neither a letter nor a digit.
    """
    if len(text) > LONGEST_QUESTION:
        raise UserError(
            f"That question has {len(text):,} characters and I read at most {LONGEST_QUESTION:,}: "
            f"ask in one or two sentences, for example: {EXAMPLE}"
        )
    text = _without_links(text)
    text = unicodedata.normalize("NFKC", html.unescape(text))[:LONGEST_QUESTION]
    text = text.translate(_CHARACTERS)
    text = "".join(char if _is_text(char) else " " for char in text)
    text = _CYRILLIC_BESIDE_DIGIT.sub(lambda match: match[0].translate(_LOOKALIKES), text)
    text = _EMOJI_CODE.sub(" ", text)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    text = _COMMAND.sub("", text.strip()).strip()
    if _SLUG.fullmatch(text):
        text = text.replace("-", " ")  # the last part of a page's address: "can-i-run-llama-3-on-…"
    if not any(char.isalnum() for char in text):
        raise UserError(f"There is nothing to read in that question. {_EXAMPLE_SENTENCE}")
    return text


def nothing_named() -> UserError:
    """The refusal of a question that names neither a model nor hardware."""
    return UserError(f"I found neither a model nor a GPU in that question. {_EXAMPLE_SENTENCE}")


def _without_links(text: str) -> str:
    """Slack's references and web links gone; what a model page names kept."""
    text = _SLACK_REFERENCE.sub(" ", text)
    text = _SLACK_LINK.sub(r" \1 ", text)
    text = _MODEL_PAGE.sub(
        lambda match: f" {match[1]} {match[2].lstrip(':')} {_type_of_file(match[3] or '')} ", text
    )
    text = _OLLAMA_PAGE.sub(r" \1 ", text)
    return _OTHER_LINK.sub(" ", text)


def _type_of_file(path: str) -> str:
    """What the name of the GGUF file at the end of a page's address says of its type ("Q4_K_M"); else nothing."""
    file = _GGUF_IN_PAGE.search(path)
    return unpacked(file[1]).said if file else ""


def _is_text(char: str) -> bool:
    """Letters, digits, marks and punctuation; symbols only where they mean something here."""
    return char in "+<>=|$€£¥^~" or unicodedata.category(char)[0] in "LNPMZ"
