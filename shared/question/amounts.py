"""Numbers as people write them: words, thousands, "k" and "m"."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

NUMBER_WORDS: Final = {
    "a": 1, "an": 1, "one": 1, "single": 1, "solo": 1, "lone": 1, "just one": 1,
    "two": 2, "dual": 2, "double": 2, "twin": 2, "both": 2,
    "three": 3, "triple": 3, "tri": 3, "four": 4, "quad": 4, "quadruple": 4,
    "five": 5, "six": 6, "hexa": 6, "seven": 7, "eight": 8, "octa": 8, "octo": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "sixteen": 16, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "hundred": 100, "zero": 0, "no": 0,
    "deux": 2, "dos": 2, "zwei": 2, "due": 2, "dois": 2, "две": 2, "два": 2,
    "двух": 2, "двум": 2, "трёх": 3, "трех": 3, "três": 3, "trois": 3, "tres": 3, "drei": 3,
    "quatre": 4, "cuatro": 4, "vier": 4, "quattro": 4, "четыре": 4,
    "한": 1, "두": 2, "세": 3, "네": 4, "双": 2, "单": 1, "两": 2, "一": 1, "二": 2, "三": 3, "四": 4, "六": 6, "八": 8,
}  # fmt: skip

WORD: Final = (
    "single|solo|one|two|dual|double|twin|three|triple|four|quad|quadruple|five|six|seven|eight|octa|nine|"
    "ten|eleven|twelve|sixteen|twenty|thirty|forty|fifty|hundred|zero|"
    "deux|dos|zwei|due|dois|две|два|двух|двум|трёх|трех|três|trois|tres|drei|quatre|cuatro|vier|quattro|четыре"
)
DIGITS: Final = r"\d{1,3}(?:[,']\d{3})+(?!\d)|\d+(?:\.\d+)?"
COUNT: Final = rf"\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+|{WORD}"

_SCALE: Final = {"": 1, "k": 1024, "m": 1024**2}


def count_of(text: str) -> int:
    """The whole number in "8", "1,000" or "eight"."""
    plain = text.strip().replace(",", "").replace("'", "")
    return int(plain) if plain.isdecimal() else NUMBER_WORDS[plain]


def tokens_of(digits: str, unit: str | None) -> int:
    """Tokens in "32" with "k", "8192" with nothing, "1.5" with "m"; k is 1,024 and m its square."""
    return int(Decimal(digits.replace(",", "").replace("'", "")) * _SCALE[(unit or "").lower()])


def either(choices: Sequence[str]) -> str:
    """Several things to choose from as a person lists them: "8 GB, 12 GB or 16 GB"."""
    if len(choices) < 2:
        return "".join(choices)
    return f"{', '.join(choices[:-1])} or {choices[-1]}"
