"""What a question says that is no part of a plan, taken out before its numbers are taken for something else."""

import re
from typing import Final

from shared.question.remaining import Remaining

# options whose value is a name or a place: "--served-model-name x", docker's "-v a:b", "--shm-size 10g"
_VALUES: Final = re.compile(
    r"(?<![\w-])(?:--(?:served[-_]model[-_]name|alias|host|api[-_]key|reasoning[-_]parser|tool-call[-_]parser|"
    r"chat[-_]template(?:-file|-kwargs)?|tokenizer(?:[-_]mode|[-_]path)?|revision|download[-_]dir|load[-_]format|config[-_]format|lora-modules|"
    r"distributed-executor-backend|speculative-config|hf-overrides|rope-scaling|mmproj|name|volume|network|ipc|"
    r"shm-size|env|restart|entrypoint|log-file|dist-init-addr|gpus(?= ?=?['\"]?all))|-[vpe](?= \S*[:=]))[ =]+\S+"
    r"|(?<![\w-])--[a-z][\w-]*[ =]+\{[^{}]*\}|(?<![\w-])--limit-mm-per-prompt[ =]+\S+"
    r"|(?<![\w-])(?:--quantization|-q)[ =](?:moe_wna16|modelopt\w*|torchao|marlin|quark)(?!\w)"
)
# a number behind an option that no reader of options knows
_OPTION_NUMBER: Final = re.compile(
    r"(?<![\w-])--(?!(?:ctx|context|max-?model|max_model|model|max-total|max-seq|max_seq|n[-_]ctx|num[-_]ctx|max-len|parallel|"
    r"max[-_]num[-_]seqs|max-running|max-batch-size|memory|vram|mem|gpu-memory|gpus?|num-gpus?|gpu-count|users?|batch)"
    r"(?:[\w-]*))[a-z][\w-]*[ =]+[\d.]+[km]?(?![\w.])"
    r"|(?<![\w-])-(?:p|n|pg|r|s|d|tb)[ =]\d[\d,]*(?![\w.])"
    r"|(?<![\w-])max[-_]num[-_]batched[-_]tokens[ =:]+\d+k?(?!\w)"
)
_MONEY: Final = (
    r"[$€£¥] ?\d[\d,.]*(?: ?k)?(?![\w])|(?<![\w.])\d[\d,.]*(?: ?k)? ?(?:[$€£¥]|(?:usd|eur|gbp|inr|rmb|dollars?|"
    r"bucks|euros?|pounds|rupees|yuan|quid|万|元)(?!\w))"
)
_TIME: Final = (
    r"(?<![\w.$/:+=-])20[12]\d(?![\w%]|[.,]\d|[ -]?(?:tok|ctx|context|mi?b|cards?|gpus?))|(?<!\w)24/7(?!\w)|"
    r"(?<![\w.])\d+(?:\.\d+)?[ -]?(?:years?|yrs?|months?|weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|"
    r"secs?|ms)(?!\w)"
)
_SOFTWARE: Final = (
    r"(?<![\w-])(?:cuda|rocm|driver|ubuntu|debian|fedora|windows|macos|python|pytorch|torch|linux|kernel|wsl|"
    r"compute capability|pci-?e(?: ?gen)?|gen|proxmox|docker|openwebui|open webui) ?v?\d+(?:\.\d+)*"
    r"(?: ?x(?:1|4|8|16)(?= |$))?(?![\w.])"
)
_COUNTED: Final = (
    r"(?<![\w.])\d+ (?:vcpus?|cpus?|images?|pictures?|photos?|videos?|lora(?:s| adapters?)|adapters?|experts|"
    r"disks?|drives?|monitors?|documents?|docs|pages?|pdfs?|languages?)(?!\w)|"
    r"(?<![\w.])\d+k (?:monitors?|displays?|video|resolution|gaming|screens?)(?!\w)|"
    r"(?<!\w)(?:top|page|question|option|example) \d{1,2}(?![\w.])|(?<!\w)x(?:1|4|8|16) (?:lanes?|slots?)(?!\w)"
)
_MEASURED: Final = (
    r"(?<![\w.])\d+(?:\.\d+)? ?(?:%|percent(?!\w)|pct(?!\w))|(?<![\w.])\d{3,4}p(?!\w)|"
    r"(?<=ddr[345])[- ]\d{4}(?!\d)|(?<![\w.])\d{2}(?:\.\d)?[ -]?inch(?:es)?(?!\w)|"
    r"(?<![\w.])\d+(?:\.\d+)? ?(?:rps|qps|rpm|req(?:uest)?s? ?(?:/|per|a) ?(?:s|sec|second|m|min|minute|h|hour|day))"
    r"(?!\w)"
)
_FIGURES: Final = re.compile(f"{_MONEY}|{_TIME}|{_SOFTWARE}|{_COUNTED}|{_MEASURED}")


def set_aside_values(question: Remaining) -> None:
    """Blank out the values of options that say nothing of memory, which may look like models or sizes."""
    for match in question.find_all(_VALUES):
        question.take_match(match)


def set_aside_figures(question: Remaining) -> None:
    """Blank out money, time, versions of software, percentages, and numbers behind options no plan takes."""
    for pattern in (_OPTION_NUMBER, _FIGURES):
        for match in question.find_all(pattern):
            question.take_match(match)
