"""Reading a server's command line: options by name, in any of the ways a shell user writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options and positional words of one command line. Underscores in option names count as dashes."""

    values: Mapping[str, str]
    words: tuple[str, ...]

    def text(self, *names: str) -> str | None:
        """The value of the first of these options that was given."""
        return next((self.values[name] for name in names if name in self.values), None)

    def whole(self, *names: str) -> int | None:
        """The same as a whole number; "32k" is 32,000 and "32K" is 32,768, as vLLM reads them."""
        given = self.text(*names)
        if given is None:
            return None
        scale = {"k": 1000, "m": 1000**2, "g": 1000**3, "K": 1024, "M": 1024**2, "G": 1024**3}.get(
            given[-1:], 1
        )
        digits = given[:-1] if scale != 1 else given
        return int(digits) * scale if digits.isascii() and digits.isdigit() else None

    def fraction(self, *names: str) -> float | None:
        """The same as a number, or None when it is not one."""
        given = self.text(*names)
        try:
            return float(given) if given is not None else None
        except ValueError:
            return None


def options(words: Sequence[str], flags: frozenset[str]) -> Options:
    """Sort the words after a program's name into options and positional words.

    Args:
        words: The arguments.
        flags: Options that take no value.
    """
    values: dict[str, str] = {}
    positional: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if not word.startswith("-") or word == "-":
            positional.append(word)
            continue
        name, given, value = word.partition("=")
        name = name.replace("_", "-") if name.startswith("--") else name
        if not given and name not in flags and index < len(words) and not _is_option(words[index]):
            value = words[index]
            index += 1
        values[name] = value
    return Options(values=values, words=tuple(positional))


def program_name(argv: Sequence[str]) -> str:
    """The file name of the program, without its folder."""
    return argv[0].rpartition("/")[2] if argv else ""


def after_program(
    argv: Sequence[str], *, command: tuple[str, ...], module: tuple[str, ...]
) -> Sequence[str] | None:
    """The arguments behind `command` ("vllm", "serve") or behind `python -m` one of `module`; None for neither.

    An interpreter before a script ("python3 /usr/bin/vllm serve …") is how such programs show in /proc.
    """
    for start in (0, 1):
        words = [program_name(argv[start : start + 1]), *argv[start + 1 : start + len(command)]]
        if tuple(words) == command and (start == 0 or program_name(argv).startswith("python")):
            return argv[start + len(command) :]
    for index, word in enumerate(argv[:-1]):
        if word == "-m" and argv[index + 1] in module and program_name(argv).startswith("python"):
            return argv[index + 2 :]
    return None


def _is_option(word: str) -> bool:
    """Whether a word is an option and not a value such as "-1"."""
    return word.startswith("-") and not word[1:2].isdigit() and word != "-"
