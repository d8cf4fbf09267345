"""How many GPUs a question speaks of: "2x4090", "a pair of 3090s", "A100 x 4", "8 GPUs"."""

import re
from collections.abc import Callable
from typing import Final

from shared.errors import UserError
from shared.question.amounts import COUNT, WORD, count_of
from shared.question.flags import MOST_GPUS
from shared.question.remaining import TAKEN, Remaining

_FILL: Final = (
    r"(?:(?:of|the|those|these|used|new|spare|old|local|refurbished|second ?hand|identical|separate|physical|my|our|"
    r"more|cheap|single-slot|modded|watercooled|whole|full|sxm|pcie|nvlink(?:ed)?|connected|nvidia|shared|"
    r"rented)\b[ -]*)*"
)
_BEFORE: Final = re.compile(
    rf"(?<![\w.,$-])(?:(?P<x>\d{{1,3}}(?:,\d{{3}})+|\d{{1,7}})[ -]?(?:x|pcs?|pieces?|nos?\.?|units?|cards?|gpus?|"
    rf"times|个|张|块|卡|枚|片)\)?[ -]*\(?"
    rf"|\((?P<paren>\d{{1,7}})x?\)[ ]?"
    rf"|(?P<n>\d{{1,3}}(?:,\d{{3}})+|\d{{1,7}})[ -]"
    rf"|(?P<w>{WORD})(?: x| times)?[ -](?:\(|x )?"
    rf"|(?P<pair>(?:a |one )?(?:pair|couple|duo)(?: of)? )"
    rf"){_FILL}$"
    r"|(?P<cn>[双单两一二三四六八])[张块卡个片]?[ ]?$"
)
_AFTER: Final = re.compile(
    rf"^(?:s|'s)?[ -]?(?:\(?[ ]?x[ ]?(?P<x>\d{{1,7}})(?![\w.])|\((?P<paren>\d{{1,7}})(?:[ ]?x|"
    rf"[ ]?(?:of them|gpus?|cards?|pcs))?\)"
    rf"|[ ]?(?P<counted>\d{{1,4}}|한|두|세|네|[双两二三四六八])[ ]?(?:枚|장|대|张|块|台|개)"
    rf"|:(?P<colon>\d{{1,4}})(?![\w.])|(?P<xafter>\d{{1,4}})x(?!\w)"
    rf"|,?[ ](?P<n>{COUNT})[ ](?:of (?:them|those)|gpus|cards|pieces|units|pcs)\b|(?P<pair>[ ]pair)\b)"
)
_ANYWHERE: Final = re.compile(
    rf"(?<![\w.,$-])(?:(?P<n>{COUNT})[- ]?x?[ ]?(?:identical |such |of (?:these|those|them) |nvidia |same |"
    rf"more )?(?:[a-z]+-core )?"
    rf"(?:gpus?|cards?|graphics cards?|显卡|张卡|卡)(?![\w])|(?P<pair>pair) of (?:gpus|cards))"
)
_MACHINES: Final = r"s?(?:-based| based| gpu)?[ -](?:nodes?|servers|machines|boxes|hosts)"
_NODES: Final = re.compile(
    rf"(?<![\w.-])(?P<n>{COUNT})[ -]?x?[ ](?:nodes?|servers?|machines?|boxes|hosts?)(?: of| with| x|,)?(?!\w)"
    r"|(?P<machines>\d{1,3}|[两二三四六八])[ ]?(?:台|节点|机)(?![式型])"
    rf"|(?<![\w.-])(?P<named>{COUNT})[ -]?x?[ ]?{TAKEN}+{_MACHINES}(?!\w)"
)
_ONE_NODE: Final = re.compile(
    rf"(?<![\w.-])(?:one|1|an?|single) (?:node of {TAKEN}|(?:single )?{TAKEN}+ node)"
)
_MACHINES_AFTER: Final = re.compile(rf"{_MACHINES}\b")
_GPUS_OF_A_NODE: Final = 8  # HGX baseboards of A100 to B300 and of MI300X alike
_INSTEAD: Final = re.compile(rf"(?<![\w.,$-])(?P<n>{COUNT}) ?x? ?(?:or|vs\.?|versus) ?{TAKEN}+$")
_RACK: Final = re.compile(r" ?nvl(?P<n>36|72|144)(?!\w)")  # "GB200 NVL72"
_EIGHT_GPU_SYSTEM: Final = re.compile(r"(?<!\w)[dh]gx(?:[ -]+(?:node|server|system|pod))?[ -]*$")


def count_beside(question: Remaining, start: int, end: int, is_family: Callable[[str], bool]) -> int | None:
    """How many of the GPU named from `start` to `end`, taken out of the question; None when not said there."""
    after = _AFTER.search(question.lower[end : end + 40])
    if after is not None:
        number = next((text for name, text in after.groupdict().items() if text and name != "pair"), None)
        question.take(end, end + after.end())
        said = 2 if number is None else count_of(number)
        return _checked(said * (_system_count(question, max(0, start - 60), start) or 1))
    rack = _RACK.search(question.whole[start : end + 4])
    if rack is not None:
        question.take(start, start + rack.end())
        return _checked(int(rack["n"]))
    low = max(0, start - 60)
    before = _BEFORE.search(question.lower[low:start])
    if before is None:
        return _system_count(question, low, start)
    groups = before.groupdict()
    text = next((text for name, text in groups.items() if text and name != "pair"), None)
    if (groups["n"] or groups["w"]) and _MACHINES_AFTER.match(question.lower[end : end + 20]):
        return None  # "2 H100 nodes" counts machines
    if groups["n"] and is_family(_word_before(question.lower[: low + before.start()])):
        return None  # "llama 3 4090s": the number is the model's version
    question.take(low + before.start(), start)
    return _checked(2 if text is None else count_of(text))


def counts_instead(question: Remaining, start: int) -> list[int]:
    """Other numbers of the GPU named at `start`, held against the one beside it: "1 vs 2 vs 4 H100"."""
    found: list[int] = []
    while (match := _INSTEAD.search(question.lower[:start])) is not None:
        question.take_match(match)
        found.insert(0, _checked(count_of(match["n"])))
    return found


def count_anywhere(question: Remaining) -> int | None:
    """A number of GPUs said apart from their name ("on 8 GPUs"), taken out of the question."""
    match = question.find(_ANYWHERE)
    if match is None:
        return None
    question.take_match(match)
    return _checked(2 if match["pair"] else count_of(match["n"]))


def nodes(question: Remaining) -> int:
    """Machines the GPUs are spread over; 1 when not said."""
    match = question.find(_NODES)
    if match is None:
        return 1
    question.take_match(match)
    return _checked(count_of(match["n"] or match["machines"] or match["named"]))


def checked_total(question: Remaining, count: int) -> int:
    """A count with its nodes multiplied in, refused outside 1 to MOST_GPUS.

    No node has more than eight GPUs but a rack: "16 H20 (2 nodes)" are sixteen.
    """
    machines = nodes(question)
    return _checked(count if count > _GPUS_OF_A_NODE and count % machines == 0 else count * machines)


def count_of_nodes(question: Remaining, *, are_boards: bool) -> int | None:
    """GPUs of nodes of which only the number is said: eight each where they come on boards of eight ("2 H100 nodes").

    None where no number of nodes is said.
    """
    is_one = are_boards and question.find(_ONE_NODE) is not None
    machines = nodes(question)
    if machines == 1 and not is_one:
        return None
    each = _GPUS_OF_A_NODE if are_boards else 1
    question.warnings.append(
        f"I took {'the machine' if machines == 1 else f'each of the {machines} machines'} to have {each} "
        f"GPU{'s' if each > 1 else ''}."
    )
    return _checked(machines * each)


def _system_count(question: Remaining, low: int, start: int) -> int | None:
    """A DGX or HGX of data-center cards holds eight; several of them are counted before it ("two DGX H100")."""
    match = _EIGHT_GPU_SYSTEM.search(question.lower[low:start])
    if match is None:
        return None
    question.take(low + match.start(), start)
    several = _BEFORE.search(question.lower[low : low + match.start()])
    number = several and (several["x"] or several["n"] or several["w"])
    if several is None or number is None:
        return _GPUS_OF_A_NODE
    question.take(low + several.start(), low + several.end())
    return _checked(_GPUS_OF_A_NODE * count_of(number))


def _word_before(text: str) -> str:
    match = re.search(r"([^\W\d_]+)[\W_]*$", text[-30:])
    return match[1] if match else ""


def _checked(count: int) -> int:
    if not 1 <= count <= MOST_GPUS:
        sentence = f"I cannot plan {count:,} GPUs: give a number from 1 to {MOST_GPUS:,}."
        raise UserError(sentence, field="gpu_count")
    return count
