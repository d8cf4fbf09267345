"""From Slack to a hub and back: the bot as its own process, with a loopback hub in its environment."""

import json

import pytest

from tests.bot.bot_process import running_bot
from tests.fakes.slack_server import FakeSlack, all_text
from tests.shared.hub.hub_server import Repository, running_hub
from tests.shared.hub.written_files import QWEN3_CONFIG, QWEN3_TENSORS, safetensors

NAME = "acme/Zed-New-7B"


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_a_model_nobody_listed_is_looked_up_for_whoever_asks(mode: str) -> None:
    """First what is being done, then the answer, both for the asker alone; the token is shown to nobody."""
    with running_hub() as hub:
        hub.repositories[NAME] = Repository(
            files={
                "config.json": json.dumps(QWEN3_CONFIG).encode(),
                "model.safetensors": safetensors(QWEN3_TENSORS),
            },
            gated_for="hf_very_secret",
        )
        async with (
            FakeSlack() as slack,
            running_bot(slack, mode, HF_ENDPOINT=hub.address, HF_TOKEN="hf_very_secret") as bot,
        ):
            before = len(slack.workspace.visible(channel="C1", user="U1"))
            await slack.command(f"/fit can {NAME} run on a 4090?", user="U1")
            answer = await slack.answer(user="U1", after=before + 1)
            progress = slack.workspace.visible(channel="C1", user="U1")[before]

            assert f"Looking up {NAME}" in progress.text
            assert progress.seen_by == answer.seen_by == "U1"
            assert "Zed-New-7B" in answer.text
            assert answer.text.startswith("✅ Yes")
            assert "hf_very_secret" not in bot.output + all_text(answer.blocks)
            assert slack.workspace.refused == []
