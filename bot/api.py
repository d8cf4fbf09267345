"""The bot's own HTTP: the plan as JSON for scripts, and the receiver of alerts; each off without its token."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from pydantic import SecretStr, ValidationError

from bot.alert_desk import AlertDesk
from bot.alerts import Delivery
from bot.desk import Desk
from bot.version import VERSION
from shared.errors import UserError

FIT_PATH: Final = "/api/v1/fit"
OPENAPI_PATH: Final = "/api/v1/openapi.json"
ALERTS_PATH: Final = "/alerts"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_fit_route(app: web.Application, desk: Desk, token: SecretStr) -> None:
    """GET /api/v1/fit?q=…: what `fit ask --json` prints."""

    async def fit(request: web.Request) -> web.StreamResponse:
        question = request.query.get("q", "")
        try:
            made = await desk.json(question)
        except UserError as error:
            body = {"error": error.sentence, "field": error.field, "suggestions": list(error.suggestions)}
            return web.json_response(body, status=422)
        return web.json_response(made)

    app.router.add_get(FIT_PATH, guarded(fit, token))
    app.router.add_get(OPENAPI_PATH, _openapi)


def add_alert_route(app: web.Application, alerts: AlertDesk, token: SecretStr) -> None:
    """POST /alerts: Alertmanager's webhook."""

    async def receive(request: web.Request) -> web.StreamResponse:
        try:
            delivery = Delivery.model_validate_json(await request.text())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            return web.json_response(
                {"error": f"not a delivery of Alertmanager: {place}: {first['msg']}"}, status=400
            )
        told = await alerts.take(delivery)
        return web.json_response({"ok": told}, status=200 if told else 503)

    app.router.add_post(ALERTS_PATH, guarded(receive, token))


def guarded(handle: Handler, token: SecretStr) -> Handler:
    """`handle` for callers that know the token; 401 for all others, compared in constant time."""

    async def check(request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        if not hmac.compare_digest(given, token.get_secret_value().encode()):
            return web.json_response(
                {"error": "a bearer token is needed"}, status=401, headers={"WWW-Authenticate": "Bearer"}
            )
        return await handle(request)

    return check


async def _openapi(_request: web.Request) -> web.StreamResponse:
    return web.json_response(openapi())


def openapi() -> dict[str, Any]:
    """The description of the API for programs."""
    answer = {"application/json": {"schema": {"type": "object"}}}
    question = {
        "name": "q",
        "in": "query",
        "required": True,
        "description": "The question in plain words, as after /fit in Slack.",
        "schema": {"type": "string", "maxLength": 2000},
        "example": "can Mixtral 8x22B run on A100 40GB?",
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "fittingroom", "version": VERSION},
        "paths": {
            FIT_PATH: {
                "get": {
                    "summary": "Will this model fit on that GPU?",
                    "parameters": [question],
                    "security": [{"token": []}],
                    "responses": {
                        "200": {"description": "The plan, as `fit ask --json` prints it.", "content": answer},
                        "401": {"description": "The token is missing or wrong.", "content": answer},
                        "422": {
                            "description": "The question was not understood; says why.",
                            "content": answer,
                        },
                    },
                }
            }
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
