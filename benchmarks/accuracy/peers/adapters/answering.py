"""Reads the questions and prints an adapter's answers; imported by the adapters, which run beside it."""

import json
import sys
from collections.abc import Callable
from typing import Any

GIB = 1024**3


class NoAnswer(Exception):
    """The peer cannot answer this case; the message says why."""


def answer(ask: Callable[[dict[str, Any]], dict[str, float | None]]) -> None:
    """Ask each question, and print GiB per GPU of `weights`, `kv` (one sequence of the context) and `rest`."""
    answers: dict[str, Any] = {}
    for question in json.load(sys.stdin):
        try:
            answers[question["id"]] = ask(question)
        except NoAnswer as error:
            answers[question["id"]] = {"none": str(error)}
    json.dump(answers, sys.stdout)


def one_gpu(question: dict[str, Any]) -> None:
    """Raise where several GPUs are asked of a peer that knows one.

    Raises:
        NoAnswer: The case has more than one.
    """
    if question["tensor_parallel"] * question["pipeline_parallel"] > 1:
        raise NoAnswer("it has no rule for several GPUs")


def published(question: dict[str, Any]) -> None:
    """Raise where the engine makes the quantization itself, so that no repository has it.

    Raises:
        NoAnswer: It does.
    """
    if question["online"]:
        raise NoAnswer("it has no rule for weights that the engine quantizes while loading")
