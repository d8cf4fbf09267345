"""How many users or requests at once: "for 8 users", "batch 4", "-np 4"."""

import re
from typing import Final

from shared.errors import UserError
from shared.question.amounts import COUNT, count_of
from shared.question.remaining import Remaining

MOST_SEQUENCES: Final = 100_000

_MANNER: Final = (
    r"(?:concurrent(?:ly)?|simultaneous(?:ly)?|parallel|active|different|internal|daily|real|max|heavy|light)"
)
_USERS: Final = (
    r"(?:users?|people|ppl|persons?|requests?|req|reqs|sessions?|seqs?|sequences?|clients?|conversations?|convos?|chats?|"
    r"streams?|devs?|developers?|engineers?|employees?|colleagues?|coworkers?|customers?|students?|slots|agents?|"
    r"calls|queries|workers?|connections?|threads?|friends?|teammates?|testers?|analysts?|seats|generations|"
    r"nutzern?|benutzern?|anwendern?|utilisateurs?|usuarios|usuários|utenti|пользовател(?:ей|я)|ユーザー|사용자)"
)
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\w-])(?:--?parallel|-np|(?:--)?max[-_ ]num[-_ ]seqs|--max-running-requests|--max-batch-size|"
        rf"ollama_num_parallel|num_parallel|n_parallel)[ =:]+(?P<n>{COUNT})(?!\w|\.\d)",
        rf"(?<![\w-])(?:np|users?|sequences|seqs|sequences at once|concurrency|batch(?:[-_ ]?size)?|bs|bsz)"
        rf"(?: (?:of|is|at|around|about|up to))?(?:[ =:]+|(?<=bs)|(?<=np))(?P<n>{COUNT})(?![\w%]|\.\d)",
        rf"(?<![\w.$-])x ?(?P<n>{COUNT}) {_USERS}(?!\w)",  # "16k ctx * 10 users"
        rf"(?<![\w.$-])(?P<n>{COUNT})\+?[ -]?(?:or (?:so|more) )?(?:{_MANNER}[ -]){{0,2}}{_USERS}(?!\w)",
        rf"(?<![\w.$-])(?P<n>{COUNT})\+?[ -](?:concurrency|concurrent|simultaneous|parallel|at (?:once|"
        rf"a time|the same time)|in parallel)(?!\w)",
        rf"(?<![\w.-])(?P<n>{COUNT})[- ]?way (?:concurren\w+|parallel\w*|batch\w*)",
        rf"(?<![\w-])(?:team|group|company|office|startup|department|class|staff|household) of (?:about |"
        rf"around |~)?(?P<n>{COUNT})(?!\w|\.\d)",
        rf"(?<![\w.-])(?P<n>{COUNT})[- ](?:person|man|user|people|employee|developer|dev) (?:team|company|"
        rf"office|startup|shop)(?!\w)",
        r"(?<![\d.])(?P<n>\d+) ?(?:个|人|路)?(?:并发|用户|人同时|人使用|人用|路)",
        r"并发(?:数|量)?[ :=]*(?P<n>\d+)",
    )
)


def read_sequences(question: Remaining) -> int | None:
    """Sequences served at once, or None when not said.

    Raises:
        BadValue: None, or more than MOST_SEQUENCES.
    """
    for pattern in _PATTERNS:
        match = question.find(pattern)
        if match is None:
            continue
        given = question.take_match(match)
        count = count_of(match["n"])
        if not 1 <= count <= MOST_SEQUENCES:
            sentence = (
                f"I cannot plan for {count:,} users at once: give a number from 1 to {MOST_SEQUENCES:,}."
            )
            raise UserError(sentence, field="sequences")
        question.note("sequences", given, count, "exact")
        return count
    return None
