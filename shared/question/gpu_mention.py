"""Where a question names GPUs: the longest name first, whole words only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.catalog.rows import Gpu
from shared.errors import UnknownName
from shared.question.amounts import WORD
from shared.question.atoms import Atom, atoms_of, without
from shared.question.gpu_names import BRAND, GpuNames, Key
from shared.question.memory_size import MemorySize
from shared.question.model_names import ModelNames
from shared.question.remaining import Remaining
from shared.question.vocabulary import words

# words that make another card of the one named before them; a mention must not end just before one
_SUFFIXES: Final = words("ti super laptop mobile notebook maxq xt xtx gre ada ultra pro sff nvl supers tis d")
_LAPTOP: Final = ("laptop", "mobile", "notebook")
_SHORT_NAME: Final = 2  # parts of "A2", "T4"
_SAID_OF_A_CARD: Final = words("based powered equipped node nodes class server box gpu sxm pcie nvl hbm q s")
_GRADES: Final = words("pro max ultra")
_INSIDE_NAMES: Final = frozenset("-_/().+")
# "2x 4080s" are two; "my 4080s" and "RTX 4080S" are a 4080 Super
_SEVERAL_BEFORE: Final = re.compile(
    rf"(?:(?<![\w.])(?:[2-9]|\d\d+) ?x? ?|\b(?:{WORD}|both|used|more|of) )(?:nvidia |geforce |rtx ?)*$"
)
_ONE_BEFORE: Final = re.compile(r"\b(?:an?|my|this|the|single|one|1x?) (?:nvidia |geforce |rtx ?)*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuMention:
    """A GPU named at a place of the question; `said` and `loose` are the rows that answer to `key`."""

    start: int
    end: int
    key: Key
    said: tuple[Gpu, ...]
    loose: tuple[Gpu, ...]


def gpu_mentions(
    question: Remaining, names: GpuNames, models: ModelNames, sizes: Sequence[MemorySize]
) -> list[GpuMention]:
    """Every GPU named, in order; memory sizes between the parts of a name are stepped over.

    "MiniMax M2" is a model, not a Mac.

    Raises:
        UnknownName: A known name carries a word that makes it a card we have no row for ("4090 Ti").
    """
    spans = [(size.start, size.end) for size in sizes]
    atoms = [
        atom
        for atom in atoms_of(question.lower)
        if not any(start <= atom.start < end for start, end in spans)
    ]
    mentions: list[GpuMention] = []
    at = 0
    while at < len(atoms):
        found = _longest_at(atoms, at, names)
        if atoms[at].text in BRAND and at + 1 < len(atoms):
            # "Tesla V100-PCIE": the name may go on further without its maker
            inner = _longest_at(atoms, at + 1, names)
            if inner is not None and (found is None or inner[1] > found[1]):
                at, found = at + 1, inner
        if found is None or _is_model_version(atoms, at, models):
            at += 1
            continue
        key, used = found
        _refuse_other_card(question, atoms, used, names)
        mentions.append(_mention(atoms, at, used, _with_super(question, atoms, at, used, key, names), names))
        at = used
    return mentions


def _with_super(
    question: Remaining, atoms: Sequence[Atom], at: int, used: int, key: Key, names: GpuNames
) -> Key:
    """The key with "super" for the s of "RTX 4080S", where there is such a card and the s is no plural's."""
    end = atoms[used - 1].end
    if used >= len(atoms) or atoms[used].text != "s" or atoms[used].start != end:
        return key
    if not names.answers((*key, "super")):
        return key
    before = question.lower[: atoms[at].start]
    if _SEVERAL_BEFORE.search(before):
        return key
    is_one = (
        question.shown[end] == "S"
        or _ONE_BEFORE.search(before)
        or "rtx" in [atom.text for atom in atoms[max(0, at - 1) : at + 1]]
    )
    return (*key, "super") if is_one else key


def _longest_at(atoms: Sequence[Atom], at: int, names: GpuNames) -> tuple[Key, int] | None:
    """The longest name that starts at an atom: its key and the index after its last atom."""
    if atoms[at].is_sign or not _starts_a_word(atoms, at):
        return None
    key: list[str] = []
    best: tuple[Key, int] | None = None
    for index in range(at, len(atoms)):
        atom = atoms[index]
        if atom.is_sign:
            if atom.text not in _INSIDE_NAMES:
                break
            continue
        if _is_article(atoms, index) or _is_beyond_a_size(atoms, index, at):
            break
        key.append(atom.text)
        if len(key) > names.longest:
            break
        if _ends_a_word(atoms, index) and not _goes_on(atoms, index, key):
            one = (*key[:-1], key[-1].removesuffix("s"))  # "four A10Gs"
            found = next((name for name in (tuple(key), one) if names.answers(name)), None)
            best = best if found is None else (found, index + 1)
    return best


def _goes_on(atoms: Sequence[Atom], last: int, key: Sequence[str]) -> bool:
    """Whether a short name goes on behind a hyphen, as in "a2-highgpu-1g", and so is another name."""
    if len(key) != _SHORT_NAME or len(key[0]) > 1 or last + 2 >= len(atoms) or atoms[last + 1].text != "-":
        return False
    following = atoms[last + 2]
    is_joined = atoms[last].end == atoms[last + 1].start and atoms[last + 1].end == following.start
    return is_joined and not following.is_number and following.text not in _SAID_OF_A_CARD


def _is_model_version(atoms: Sequence[Atom], at: int, models: ModelNames) -> bool:
    """Whether the atoms from `at` on are the version of the model named before them."""
    before = next((atom for atom in reversed(atoms[:at]) if not atom.is_sign), None)
    if before is None or atoms[at].start - before.end > 1 or at + 1 >= len(atoms):
        return False
    return models.has_version(before.text, atoms[at].text + atoms[at + 1].text)


def _is_beyond_a_size(atoms: Sequence[Atom], index: int, at: int) -> bool:
    """Whether an atom is the "max" of "M3 16GB, max context": a chip's grade stands before its memory."""
    return index > at and atoms[index].text in _GRADES and atoms[index].start - atoms[index - 1].end > 1


def _is_article(atoms: Sequence[Atom], index: int) -> bool:
    """Whether an atom is the "a" of "a 16 core machine", not of "A16"."""
    atom = atoms[index]
    if len(atom.text) > 1 or atom.is_number or index + 1 >= len(atoms):
        return False
    return atoms[index + 1].is_number and atoms[index + 1].start > atom.end


def _starts_a_word(atoms: Sequence[Atom], at: int) -> bool:
    """Whether nothing but a count ("2x") is glued to the front."""
    if at == 0 or atoms[at - 1].end < atoms[at].start or atoms[at - 1].is_sign:
        return True
    before = atoms[at - 1].text
    return (before.endswith("x") and before[0].isdigit()) or before == "x"


def _ends_a_word(atoms: Sequence[Atom], last: int) -> bool:
    """Whether nothing but a plural or a count ("s", "x4") is glued to the end."""
    follows = atoms[last + 1 : last + 4]
    place = atoms[last].end
    glued = []
    for atom in follows:
        if atom.start != place or atom.is_sign:
            break
        glued.append(atom.text)
        place = atom.end
    if glued and glued[0] == "s":
        glued = glued[1:]
    return not glued or (glued[0] == "x" and len(glued) == 2 and glued[1].isdigit())


def _refuse_other_card(question: Remaining, atoms: Sequence[Atom], used: int, names: GpuNames) -> None:
    """Refuse "4090 Ti": the words after a name that make it a different card, which no row is."""
    if used >= len(atoms):
        return
    follows = atoms[used]
    is_max_q = follows.text == "max" and [a.text for a in atoms[used + 1 : used + 3]] in (["-", "q"], ["q"])
    is_apart_d = follows.text == "d" and follows.start > atoms[used - 1].end
    if (follows.text not in _SUFFIXES and not is_max_q) or is_apart_d:
        return
    if follows.start - atoms[used - 1].end > 1:
        return
    start = used - 1
    while start > 0 and atoms[start - 1].end == atoms[start].start and not atoms[start - 1].is_sign:
        start -= 1
    given = question.given(atoms[start].start, follows.end)
    number = next((atom.text for atom in atoms[start:used] if atom.is_number), "")
    near = {row.name: None for key, rows in names.said.items() if number in key for row in rows}
    raise UnknownName("GPU", given, near=tuple(near)[:3])


def _mention(atoms: Sequence[Atom], at: int, used: int, key: Key, names: GpuNames) -> GpuMention:
    start, end = at, used
    start -= _makers_words_before(atoms, start)
    if end < len(atoms) and atoms[end].text == "s" and atoms[end].start == atoms[end - 1].end:
        end += 1
    while end < len(atoms) and atoms[end].text in BRAND and atoms[end].start - atoms[end - 1].end <= 1:
        end += 1
    bare = without(key, BRAND)
    if names.answers(bare):
        key = bare  # "NVIDIA H100" is no more particular than "H100"
    return GpuMention(
        start=atoms[start].start,
        end=atoms[end - 1].end,
        key=key,
        said=names.said.get(key, ()),
        loose=names.loose.get(key, ()),
    )


def _makers_words_before(atoms: Sequence[Atom], start: int) -> int:
    """How many atoms before a name are the maker's words, hyphens included: "nvidia-rtx-", "Intel Arc "."""
    first = start
    for index in range(start - 1, -1, -1):
        if atoms[index + 1].start - atoms[index].end > 1:
            break
        if atoms[index].text in BRAND:
            first = index
        elif atoms[index].text != "-":
            break
    return start - first


def laptop_mention(question: Remaining, mention: GpuMention, names: GpuNames) -> GpuMention:
    """The laptop card of that name when the question speaks of a laptop anywhere ("my laptop has a 4070")."""
    if not any(word in question.lower for word in _LAPTOP):
        return mention
    for word in _LAPTOP:
        key = (*mention.key, word)
        if names.answers(key):
            said, loose = names.said.get(key, ()), names.loose.get(key, ())
            return GpuMention(start=mention.start, end=mention.end, key=key, said=said, loose=loose)
    return mention
