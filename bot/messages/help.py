"""What can be asked, by example."""

from typing import Final

from bot.messages.blocks import actions, button, header, paragraph, preformatted, rich_text, run, small_print
from bot.messages.message import Message, message
from bot.messages.mrkdwn import inert

EXAMPLES: Final = (
    "can Mixtral 8x22B run on A100 40GB?",
    "llama 3.1 70b q4_k_m on 2x 4090 with 32k context",
    "qwen3 32b awq on L40S for 8 users",
    "what fits on 2x A100 80GB?",
    "which gpu for llama 3.3 70b fp8?",
)
OURS: Final = (
    "status",
    "what fits now",
    "on NODE llama 3.1 8b",
    "who is using gpu-3",
    "watch llama 3.3 70b fp8 on 2x A100 80GB",
)
_SAYS: Final = (
    "Ask in plain words: a model, and if you like a GPU, how many, a quantization, a context, a KV cache type, "
    "an engine and how many users. Sizes are in GiB."
)


def help_message(command: str) -> Message:
    """Examples that can be pasted or pressed, and the other ways in."""
    examples = "\n".join(f"{command} {example}" for example in EXAMPLES)
    ours = "\n".join(f"{command} {example}" for example in OURS)
    blocks = [
        header("Will it fit?"),
        rich_text(paragraph(_SAYS), paragraph(run("For example", bold=True)), preformatted(examples)),
        actions(
            [button(example, f"fit_ask:{number}", example) for number, example in enumerate(EXAMPLES[:3])]
        ),
        rich_text(
            paragraph(run("About our own GPUs, and when there is room", bold=True)), preformatted(ours)
        ),
        small_print(
            f"{command} why … shows every number of an answer as its formula; {command} watches lists what I wait for; "
            f"{command} defaults sets what questions in a channel leave out. "
            f"In a thread, where Slack has no slash commands, mention me instead; in a direct message just ask. "
            f"Answers to {command} are seen by you alone."
        ),
    ]
    lines = [_SAYS, *examples.split("\n"), *ours.split("\n")]
    return message("\n".join(inert(line) for line in lines), blocks)


def thanks_message() -> Message:
    """Manners."""
    sentence = "You are welcome."
    return message(sentence, [rich_text(paragraph(sentence))])
