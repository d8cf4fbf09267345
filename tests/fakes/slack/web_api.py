"""The Web API: the methods our bot may call, with Slack's own errors; anything else is unknown_method."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.fakes.block_kit import problems, view_problems
from tests.fakes.slack.installing import caller_of, installed_by, renewed_by, sees
from tests.fakes.slack.workspace import (
    BOT_ID,
    BOT_USER,
    TEAM,
    TRIGGER_SECONDS,
    ApiCall,
    Posted,
    Workspace,
)

Arguments = dict[str, Any]
Answer = dict[str, Any]
_JSON_ARGUMENTS = ("blocks", "view", "metadata", "attachments")


def _error(word: str, **more: Any) -> Answer:
    return {"ok": False, "error": word, **more}


class WebApi:
    """POST /api/{method}."""

    def __init__(self, workspace: Workspace, socket_url: Callable[[], str]) -> None:
        self.workspace = workspace
        self.socket_url = socket_url
        self.team = TEAM  # of the call under way; handling one never waits
        self.methods: dict[str, Callable[[Arguments], Answer]] = {
            "auth.test": self.auth_test,
            "oauth.v2.access": self.oauth_access,
            "apps.connections.open": self.connections_open,
            "chat.postMessage": self.post_message,
            "chat.postEphemeral": self.post_ephemeral,
            "chat.update": self.update,
            "chat.delete": self.delete,
            "conversations.open": self.open_conversation,
            "conversations.history": self.history,
            "views.open": self.open_view,
            "views.update": self.update_view,
            "views.push": self.open_view,
            "views.publish": self.publish_view,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        fault = self.workspace.fault_for(method)
        if fault:
            return web.Response(
                status=fault.status, text=fault.body, headers=fault.headers, content_type="application/json"
            )
        arguments = await _arguments(request)
        answer = self._answer(method, request.headers.get("Authorization", ""), arguments)
        team = self.team
        if self.workspace.slow_seconds:  # after it has taken effect: the app may never hear of it
            await asyncio.sleep(self.workspace.slow_seconds)
        call = ApiCall(method=method, arguments=arguments, answer=answer, at=time.monotonic(), team=team)
        self.workspace.calls.append(call)
        await self.workspace.ring()
        return web.json_response(answer)

    def _answer(self, method: str, authorization: str, arguments: Arguments) -> Answer:
        run = self.methods.get(method)
        if run is None:
            self.workspace.refused.append(f"unknown method {method}")
            return _error("unknown_method")
        caller, error = caller_of(self.workspace, method, authorization, str(arguments.get("token", "")))
        if error:
            return _error(error)
        self.team = caller
        answer = run(arguments)
        if not answer["ok"]:
            self.workspace.refused.append(f"{method}: {answer}")
        return answer

    def auth_test(self, _arguments: Arguments) -> Answer:
        return {
            "ok": True, "url": "https://loopback.slack.com/", "team": "Loopback", "user": "fittingroom",
            "team_id": self.team, "user_id": BOT_USER, "bot_id": BOT_ID,
        }  # fmt: skip

    def oauth_access(self, arguments: Arguments) -> Answer:
        if arguments.get("grant_type") == "refresh_token":
            renewed = renewed_by(self.workspace, str(arguments.get("refresh_token", "")))
            return renewed or _error("invalid_refresh_token")
        installed = installed_by(self.workspace, str(arguments.get("code", "")))
        return installed or _error("invalid_code")

    def connections_open(self, _arguments: Arguments) -> Answer:
        return {"ok": True, "url": self.socket_url()}

    def _message_error(self, arguments: Arguments) -> Answer | None:
        if str(arguments.get("channel", "")).startswith(
            "U"
        ):  # a person's id stands for their direct messages
            arguments["channel"] = self.open_conversation({"users": arguments["channel"]})["channel"]["id"]
        channel = arguments.get("channel", "")
        if not sees(self.workspace, self.team, channel):
            return _error("channel_not_found")
        if BOT_USER not in self.workspace.members[channel]:
            return _error("not_in_channel")
        if not arguments.get("text") and not arguments.get("blocks"):
            return _error("no_text")
        found = problems(arguments["blocks"]) if arguments.get("blocks") else []
        found += self.workspace.lacks(arguments.get("blocks") or [])
        if found:
            return _error(
                "invalid_blocks", response_metadata={"messages": [f"[ERROR] {one}" for one in found]}
            )
        return None

    def post_message(self, arguments: Arguments, *, seen_by: str | None = None) -> Answer:
        error = self._message_error(arguments)
        if error:
            return error
        message = Posted(
            ts=self.workspace.new_ts(),
            channel=arguments["channel"],
            text=arguments.get("text", ""),
            blocks=arguments.get("blocks") or [],
            seen_by=seen_by,
            thread_ts=arguments.get("thread_ts"),
            metadata=arguments.get("metadata"),
        )
        self.workspace.messages.append(message)
        shown = {"ts": message.ts, "text": message.text, "blocks": message.blocks, "user": BOT_USER}
        return {"ok": True, "channel": message.channel, "ts": message.ts, "message": shown}

    def post_ephemeral(self, arguments: Arguments) -> Answer:
        if arguments.get("user") not in self.workspace.members.get(arguments.get("channel", ""), ()):
            return _error("user_not_in_channel")
        answer = self.post_message(arguments, seen_by=arguments["user"])
        return {"ok": True, "message_ts": answer["ts"]} if answer["ok"] else answer

    def _own(self, arguments: Arguments) -> Posted | None:
        return next(
            (
                message
                for message in self.workspace.visible(channel=arguments.get("channel"))
                if message.ts == arguments.get("ts") and not message.ephemeral
            ),
            None,
        )

    def update(self, arguments: Arguments) -> Answer:
        message = self._own(arguments)
        if message is None:
            return _error("message_not_found")
        error = self._message_error(arguments)
        if error:
            return error
        message.text, message.blocks = arguments.get("text", ""), arguments.get("blocks") or []
        message.metadata = arguments.get("metadata") or message.metadata
        message.versions += 1
        return {"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text}

    def delete(self, arguments: Arguments) -> Answer:
        message = self._own(arguments)
        if message is None:
            return _error("message_not_found")
        message.deleted = True
        return {"ok": True, "channel": message.channel, "ts": message.ts}

    def open_conversation(self, arguments: Arguments) -> Answer:
        user = str(arguments.get("users", ""))
        if not user.startswith("U"):
            return _error("users_not_found")
        channel = f"D{user.removeprefix('U')}"
        self.workspace.members.setdefault(channel, {BOT_USER, user})
        return {"ok": True, "channel": {"id": channel}}

    def history(self, arguments: Arguments) -> Answer:
        channel = arguments.get("channel", "")
        if BOT_USER not in self.workspace.members.get(channel, ()):
            return _error("channel_not_found")
        wants_metadata = str(arguments.get("include_all_metadata", "")).lower() in {"1", "true"}
        messages = [
            {"ts": one.ts, "text": one.text, "user": BOT_USER, "bot_id": BOT_ID}
            | ({"metadata": one.metadata} if one.metadata and wants_metadata else {})
            for one in reversed(self.workspace.visible(channel=channel))
            if not one.ephemeral and float(one.ts) >= float(arguments.get("oldest") or 0)
        ]
        return {"ok": True, "messages": messages[: int(arguments.get("limit", 100))], "has_more": False}

    def open_view(self, arguments: Arguments) -> Answer:
        trigger = self.workspace.triggers.get(arguments.get("trigger_id", ""))
        if trigger is None:
            return _error("invalid_trigger_id")
        if trigger.used:
            return _error("exchanged_trigger_id")
        if time.monotonic() - trigger.made_at > TRIGGER_SECONDS:
            return _error("expired_trigger_id")
        view, error = self._checked_view(arguments)
        if error:
            return error
        trigger.used = True
        view |= {"id": self.workspace.new_id("V"), "hash": self.workspace.new_id("H"), "user": trigger.user}
        self.workspace.views[view["id"]] = view
        return {"ok": True, "view": view}

    def update_view(self, arguments: Arguments) -> Answer:
        old = self.workspace.views.get(arguments.get("view_id", ""))
        if old is None:
            return _error("not_found")
        if arguments.get("hash") and arguments["hash"] != old["hash"]:
            return _error("hash_conflict")
        view, error = self._checked_view(arguments)
        if error:
            return error
        view |= {"id": old["id"], "hash": self.workspace.new_id("H"), "user": old["user"]}
        self.workspace.views[old["id"]] = view
        return {"ok": True, "view": view}

    def publish_view(self, arguments: Arguments) -> Answer:
        view, error = self._checked_view(arguments)
        if error:
            return error
        self.workspace.homes[arguments["user_id"]] = view | {"id": self.workspace.new_id("V")}
        return {"ok": True, "view": self.workspace.homes[arguments["user_id"]]}

    def _checked_view(self, arguments: Arguments) -> tuple[dict[str, Any], Answer | None]:
        view = dict(arguments.get("view") or {})
        found = view_problems(view)
        if found:
            return view, _error("invalid_arguments", response_metadata={"messages": found})
        return view, None


async def _arguments(request: web.Request) -> Arguments:
    """Arguments as JSON or as a form; the SDK sends an empty body under either name."""
    text = await request.text()
    if not text:
        return dict(request.query)
    if request.content_type == "application/json":
        return dict(json.loads(text))
    form: Arguments = dict(await request.post())
    for name in _JSON_ARGUMENTS:
        if isinstance(form.get(name), str):
            form[name] = json.loads(form[name])
    return form
