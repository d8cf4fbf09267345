"""Response URLs: five uses in thirty minutes, and what replace_original, delete_original and response_type do."""

import asyncio
import json
import time
from typing import Any

from aiohttp import web

from tests.fakes.block_kit import problems
from tests.fakes.slack.workspace import (
    RESPONSE_URL_SECONDS,
    RESPONSE_URL_USES,
    Posted,
    ResponseUrl,
    Workspace,
)


class ResponseUrls:
    """POST /commands/{team}/{key}/{secret}."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    async def handle(self, request: web.Request) -> web.StreamResponse:
        fault = self.workspace.fault_for("response_url")
        if fault:
            return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
        if self.workspace.slow_seconds:
            await asyncio.sleep(self.workspace.slow_seconds)
        url = self.workspace.response_urls.get(request.match_info["key"])
        word = "used_url" if url is None else self._refusal(url)
        if word is None and url is not None:
            word = self.take(url, json.loads(await request.text()))
        if word:
            if not self.workspace.without_blocks:
                self.workspace.refused.append(f"response_url: {word}")
            return web.json_response(
                {"ok": False, "error": word}, status=404 if word.endswith("_url") else 400
            )
        await self.workspace.ring()
        return web.Response(text="ok")

    def _refusal(self, url: ResponseUrl) -> str | None:
        url.uses += 1
        if url.uses > RESPONSE_URL_USES:
            return "used_url"
        if time.monotonic() - url.made_at > RESPONSE_URL_SECONDS:
            return "expired_url"
        return None

    def take(self, url: ResponseUrl, payload: dict[str, Any]) -> str | None:
        """Show the message; the word of refusal if it cannot be shown."""
        blocks = payload.get("blocks") or []
        if self.workspace.lacks(blocks):
            return "invalid_blocks"
        found = problems(blocks) if blocks else []
        if found:
            self.workspace.refused += found
            return "invalid_blocks"
        original = url.original
        if payload.get("delete_original") and original:
            original.deleted = True
            return None
        if not payload.get("text") and not blocks:
            return "no_text"
        if payload.get("replace_original") and original:
            original.text, original.blocks = payload.get("text", ""), blocks
            original.versions += 1
            return None
        shared = payload.get("response_type") == "in_channel"
        message = Posted(
            ts=self.workspace.new_ts(),
            channel=url.channel,
            text=payload.get("text", ""),
            blocks=blocks,
            seen_by=None if shared else url.user,
            thread_ts=payload.get("thread_ts"),
        )
        self.workspace.messages.append(message)
        return None
