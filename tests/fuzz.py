"""Fuzzing for minutes rather than moments: `python -m tests.fuzz [--minutes 10] [PART …]`, `make fuzz`.

Runs a part's property tests again and again, each round with fresh randomness, until its minutes are over, and says
how many examples were tried. A failure is told as hypothesis tells it, smallest example first, and ends with 1; it
is kept in .hypothesis, so that the next run of pytest meets it again.
"""

import argparse
import functools
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from tests.shared.catalog import test_checkpoints, test_names
from tests.shared.hub import test_gguf, test_hostile_configs
from tests.shared.question import test_fuzz

Property = Callable[[], None]

PARTS: Final[dict[str, tuple[Any, ...]]] = {
    "question": (
        test_fuzz.test_any_text_gets_a_query_or_a_sentence,
        test_fuzz.test_any_mixture_of_words_gets_a_query_or_a_sentence,
    ),
    "config": (
        test_hostile_configs.test_a_config_with_fields_changed_or_lost_is_a_row_or_a_sentence,
        test_hostile_configs.test_a_config_of_next_to_nothing_is_a_sentence,
    ),
    "gguf": (
        test_gguf.test_bytes_changed_anywhere_cost_a_sentence_at_most,
        test_gguf.test_keys_and_tensors_changed_cost_a_sentence_at_most,
        test_gguf.test_any_bytes_after_the_magic_cost_a_sentence_at_most,
    ),
    "safetensors": (
        test_hostile_configs.test_any_safetensors_header_is_counted_or_refused,
        test_hostile_configs.test_a_safetensors_header_with_tensors_changed_is_counted_or_refused,
    ),
    "names": (
        test_checkpoints.test_any_text_is_a_checkpoint_or_one_sentence,
        test_names.test_any_pile_of_familiar_words_is_a_row_or_one_sentence,
        test_names.test_any_pile_of_gpu_words_is_a_card_or_one_sentence,
    ),
}


def fuzz(properties: tuple[Any, ...], seconds: float) -> Counter[str]:
    """Examples tried per property, in turns until the time is over. Raises what a property raises."""
    tried: Counter[str] = Counter()
    for one in properties:
        one.hypothesis.inner_test = _counted(one.hypothesis.inner_test, one.__name__, tried)
    until = time.monotonic() + seconds
    for one in itertools.cycle(properties):
        if time.monotonic() >= until:
            return tried
        one()
    return tried


def _counted(inner: Callable[..., None], name: str, tried: Counter[str]) -> Callable[..., None]:
    @functools.wraps(inner)
    def counting(*arguments: Any, **named: Any) -> None:
        tried[name] += 1
        inner(*arguments, **named)

    return counting


def main(arguments: list[str]) -> int:
    """Every part asked for, each for its minutes; 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--minutes", type=float, default=10, help="for each part; 10 by default")
    asked = parser.parse_args(arguments)
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    failed = False
    for part in asked.parts or PARTS:
        try:
            tried = fuzz(PARTS[part], asked.minutes * 60)
        except Exception as error:  # noqa: BLE001 - whatever comes out is the finding
            failed = True
            print(f"{part}: failed with {type(error).__name__}: {error}\n{_notes(error)}", flush=True)
        else:
            print(f"{part}: {sum(tried.values()):,} examples, none failed: {dict(tried)}", flush=True)
    return 1 if failed else 0


def _notes(error: BaseException) -> str:
    """The falsifying example, which hypothesis adds as notes."""
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return "\n".join(note for one in inner for note in getattr(one, "__notes__", ()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
