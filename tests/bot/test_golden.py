"""Forty whole answers as people see them in Slack, in files read in review; UPDATE_GOLDEN=1 writes them anew."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.answer import placed
from bot.fits_now import fits_now
from bot.fleet import LoadedModel
from bot.messages.error import error_message
from bot.messages.help import help_message
from bot.messages.message import Message
from bot.messages.plan import Frame, plan_message
from bot.messages.status import fits_message, status_message
from shared.catalog.load import load_catalog
from shared.errors import UserError
from shared.planner.planner import plan
from shared.question.parse import parse_question
from tests.bot.fleets import GIB, fleet

FOLDER = Path(__file__).parents[1] / "golden" / "slack"
CATALOG = load_catalog()
QUESTIONS = """
can Mixtral 8x22B run on A100 40GB?
mixtral 8x22b q4_k_m on 3x A100 40GB
mixtral 8x22b on A100
mixtral 8x7b awq on A100 40GB with 32k context
llama 3.1 8b on 4090
llama 3.1 8b fp8 on H100 80GB for 64 users
llama 3.1 70b q4_k_m on 2x 4090 with 32k context
llama 3.3 70b fp8 on 2x A100 80GB
llama 3.3 70b on H200
llama 3.1 405b fp8 on 8x H100 80GB
qwen3 32b awq on L40S for 8 users
qwen3 30b a3b q4_k_m on RTX 3060 12GB
qwen2.5 7b on T4
deepseek v3 on 8x H200
deepseek r1 on A100 80GB
gpt-oss 20b on 4090
gpt-oss 120b on H100 80GB
gemma 3 27b q4_k_m on 4090 with kv q8
llama 3.2 1b on RTX 3060 12GB
phi 4 on RTX 4060 Ti 16GB
mistral 7b on M2 Max 32GB
llama 3.1 70b q4_k_m on M3 Ultra 256GB
llama 3.1 8b q4_k_m on RTX 5090 with 128k context
llama 3.1 70b on 4x L4
what fits on 4090?
what fits on 2x A100 80GB?
which gpu for llama 3.1 70b fp8?
which gpu for mixtral 8x22b?
what is the longest context of llama 3.1 8b on a 4090?
how many users can one H100 80GB serve with llama 3.1 70b fp8 at 8k?
cheapest way to serve llama 3.3 70b for 8 users
compare llama 3.3 70b vs qwen3 32b on H100 80GB
llama 3.1 8b on a GPU with 12 GB
mixtrl 9x22b on A100 40GB
llama 3.1 8b on A100 60GB
llama 3.1 8b with 10m context on 4090
llama 3.1 8b on 0x 4090
""".strip().splitlines()
MODEL = LoadedModel(
    model="llama-3.1-8b",
    engine="vllm",
    quantization="FP8",
    used_bytes=GIB,
    limit_ratio=0.93,
    workload="prod/chat-0",
)
FLEET = replace(
    fleet(loaded=(MODEL,)), problems=("the exporter at node-9:9835: nothing answers at that address",)
)
SAID = {
    "help": lambda: help_message("/fit"),
    "status": lambda: status_message(FLEET),
    "what fits now": lambda: fits_message(FLEET, fits_now(FLEET, CATALOG)),
}


def answered(question: str) -> Message:
    if question in SAID:
        return SAID[question]()
    try:
        made = placed(plan(parse_question(question, CATALOG), CATALOG), CATALOG, FLEET)
    except UserError as error:
        return error_message(error, question, "/fit")
    return plan_message(made, Frame(catalog=CATALOG, version="0.1.0"))


def outline(message: Message) -> str:
    """A block as a line with its kind, its words below; buttons in brackets, menus with what they show."""
    lines = ["fallback:", *(f"  {line}" for line in message.text.split("\n"))]
    for block in message.blocks:
        lines += [f"{block['type']}:", *(f"  {line}" for line in _words(block))]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _words(block: Mapping[str, Any]) -> list[str]:
    if block["type"] == "data_visualization":
        (series,) = block["chart"]["series"]
        bars = [f"{point['label']} {point['value']}" for point in series["data"]]
        return [block["title"], *bars]
    if block["type"] == "table":
        return [" | ".join(" ".join(_texts(cell)).strip() for cell in row) for row in block["rows"]]
    if block["type"] == "actions":
        return [_control(element) for element in block["elements"]]
    if block["type"] == "rich_text":
        return [line for part in block["elements"] for line in _rich(part)]
    return [line for text in _texts(block) for line in text.split("\n")]


def _rich(part: Mapping[str, Any]) -> list[str]:
    if part["type"] == "rich_text_list":
        return [f"- {''.join(_texts(item))}" for item in part["elements"]]
    lines = "".join(_texts(part)).split("\n")
    return [f"| {line}" for line in lines] if part["type"] == "rich_text_preformatted" else lines


def _control(element: Mapping[str, Any]) -> str:
    if element["type"] == "button":
        return f"[{element['text']['text']}] {element.get('value', '')}"
    shown = element.get("initial_option", {}).get("text") or element["placeholder"]
    return f"({shown['text']} ▾)"


def _texts(part: Any) -> list[str]:
    if isinstance(part, Mapping):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [text for value in part.values() for text in _texts(value)]
    if isinstance(part, Sequence) and not isinstance(part, str):
        return [text for item in part for text in _texts(item)]
    return []


def name_of(question: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", question.lower()).strip("-")[:60]


@pytest.mark.parametrize("question", [*QUESTIONS, *SAID], ids=name_of)
def test_golden_answer_is_as_reviewed(question: str) -> None:
    path = FOLDER / f"{name_of(question)}.txt"
    shown = f"question: {question}\n{outline(answered(question))}"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_golden_files_are_all_in_use() -> None:
    used = {f"{name_of(question)}.txt" for question in [*QUESTIONS, *SAID]}
    assert len(used) == 40
    assert {path.name for path in FOLDER.glob("*")} == used
