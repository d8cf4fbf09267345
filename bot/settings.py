"""The bot's settings: each is an environment variable and, unless it is a secret, an option of `python -m bot`."""

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.alerts import Route, routes_of
from bot.fleet import STALE_AFTER_SECONDS
from bot.fleet_reader import DEFAULT_DEADLINE_SECONDS
from shared.hub.settings import ENDPOINT, TIMEOUT_SECONDS, HubSettings

SLACK_API_URL: Final = "https://slack.com/api/"
DEFAULT_PORT: Final = 9836


def _list(value: Any) -> Any:
    """A JSON list, or names separated by commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def _routes(value: Any) -> Any:
    return routes_of(value) if isinstance(value, str) else value


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")) or len(value.split("//", 1)[1]) == 0:
        raise ValueError("must be an address like http://host:port")
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class BotSettings(BaseSettings):
    """Built once at the start and passed down; the descriptions are what `--help` prints."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True, validate_default=True
    )

    slack_bot_token: SecretStr | None = Field(
        None, validation_alias="SLACK_BOT_TOKEN", description="The bot's token (xoxb-…)."
    )
    slack_app_token: SecretStr | None = Field(
        None, validation_alias="SLACK_APP_TOKEN", description="The app-level token (xapp-…) of socket mode."
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        validation_alias="SLACK_SIGNING_SECRET",
        description="Proves that a request is Slack's, in http mode.",
    )
    slack_client_id: str | None = Field(
        None,
        validation_alias="SLACK_CLIENT_ID",
        description="The app's client id: several workspaces may install it, in http mode, at /slack/install.",
    )
    slack_client_secret: SecretStr | None = Field(
        None,
        validation_alias="SLACK_CLIENT_SECRET",
        description="The app's client secret, with the client id.",
    )
    token_keys: SecretStr | None = Field(
        None,
        validation_alias="FITTINGROOM_TOKEN_KEYS",
        description="Fernet keys, separated by commas, that seal the tokens of workspaces: the first seals, all open.",
    )
    public_url: HttpUrl | None = Field(
        None,
        validation_alias="FITTINGROOM_BOT_PUBLIC_URL",
        description="Where Slack reaches us, such as https://fit.example.com; needed when the app has several.",
    )
    slack_api_url: HttpUrl = Field(
        SLACK_API_URL, validation_alias="SLACK_API_URL", description="Address of Slack's Web API."
    )
    mode: Literal["socket", "http"] = Field(
        "socket",
        validation_alias="FITTINGROOM_BOT_MODE",
        description="socket: we call Slack, nothing to expose. http: Slack calls us at /slack/events.",
    )
    command: Annotated[str, Field(pattern=r"^/[a-z0-9_-]{1,31}$")] = Field(
        "/fit",
        validation_alias="FITTINGROOM_BOT_COMMAND",
        description="Name of the slash command, as the app's manifest has it.",
    )
    prometheus_url: HttpUrl | None = Field(
        None, validation_alias="PROMETHEUS_URL", description="Prometheus that scrapes the exporters."
    )
    exporter_urls: Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(_list)] = Field(
        (),
        validation_alias="FITTINGROOM_EXPORTER_URLS",
        description="Exporters to ask when there is no Prometheus: addresses separated by commas, or a JSON list.",
    )
    fleet_timeout_seconds: Annotated[float, Field(gt=0, le=30)] = Field(
        DEFAULT_DEADLINE_SECONDS,
        validation_alias="FITTINGROOM_FLEET_TIMEOUT_SECONDS",
        description="How long an answer waits for the live fleet before it says it is unknown.",
    )
    fleet_keep_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        3.0,
        validation_alias="FITTINGROOM_FLEET_KEEP_SECONDS",
        description="How long one look at the fleet serves all who ask; spares Prometheus a burst of questions.",
    )
    fleet_stale_seconds: Annotated[float, Field(gt=0)] = Field(
        STALE_AFTER_SECONDS,
        validation_alias="FITTINGROOM_FLEET_STALE_SECONDS",
        description="Age from which a node's reading is not used for placing a model.",
    )
    host: str = Field(
        "127.0.0.1",
        validation_alias="FITTINGROOM_BOT_HOST",
        description="Address to listen on for health, metrics and (http mode) Slack.",
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        DEFAULT_PORT,
        validation_alias="FITTINGROOM_BOT_PORT",
        description="Port to listen on; 0 takes a free one.",
    )
    database_url: SecretStr = Field(
        SecretStr(f"sqlite:///{Path.home()}/.local/state/fittingroom/bot.sqlite"),
        validation_alias="FITTINGROOM_DATABASE_URL",
        description="Where watches are kept: sqlite:///PATH, or postgresql://… (needed for several replicas).",
    )
    alerts_token: SecretStr | None = Field(
        None,
        validation_alias="FITTINGROOM_ALERTS_TOKEN",
        description="Token Alertmanager sends; without it the alert receiver at /alerts is off.",
    )
    alerts_channel: str = Field(
        "",
        validation_alias="FITTINGROOM_ALERTS_CHANNEL",
        description="Channel of alerts that match no route.",
    )
    alerts_routes: Annotated[tuple[Route, ...], NoDecode, BeforeValidator(_routes)] = Field(
        (),
        validation_alias="FITTINGROOM_ALERTS_ROUTES",
        description="Channels by label, first match wins: severity=critical:C123,workload_namespace=prod:C456.",
    )
    api_token: SecretStr | None = Field(
        None,
        validation_alias="FITTINGROOM_API_TOKEN",
        description="Token of the HTTP API at /api/v1/fit; without it the API is off.",
    )
    watch_every_seconds: Annotated[float, Field(ge=0.05, le=3600)] = Field(
        15.0,
        validation_alias="FITTINGROOM_WATCH_EVERY_SECONDS",
        description="Time between two rounds over the watches.",
    )
    watch_hold_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        60.0,
        validation_alias="FITTINGROOM_WATCH_HOLD_SECONDS",
        description="How long there must be room without a break before a watch is told.",
    )
    watch_lease_seconds: Annotated[float, Field(ge=0.2, le=3600)] = Field(
        60.0,
        validation_alias="FITTINGROOM_WATCH_LEASE_SECONDS",
        description="How long telling may take before another process looks whether the message has left.",
    )
    plan_processes: Annotated[int, Field(ge=1, le=64)] = Field(
        2,
        validation_alias="FITTINGROOM_PLAN_PROCESSES",
        description="Processes that compute plans; each holds about 110 MiB and makes 15 plans a second or more.",
    )
    site_catalog: Path | None = Field(
        None,
        validation_alias="FITTINGROOM_SITE_CATALOG",
        description="TOML file of models, GPUs, quantizations and engines to add to the catalog.",
    )
    hub: Literal["on", "off"] = Field(
        "on",
        validation_alias="FITTINGROOM_HUB",
        description="Whether models that are not in the catalog are looked up on the hub.",
    )
    hub_endpoint: HttpUrl = Field(
        ENDPOINT, validation_alias="HF_ENDPOINT", description="Address of the hub, or of a mirror of it."
    )
    hub_token: SecretStr | None = Field(
        None, validation_alias="HF_TOKEN", description="The hub's token, for gated and private models."
    )
    hub_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        TIMEOUT_SECONDS,
        validation_alias="FITTINGROOM_HUB_TIMEOUT_SECONDS",
        description="How long looking one model up may take.",
    )
    hub_cache: Path | None = Field(
        None,
        validation_alias="FITTINGROOM_HUB_CACHE",
        description="Folder in which looked-up models are kept for a week; without one they are kept in memory.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias="FITTINGROOM_LOG_LEVEL", description="How much to log."
    )

    @model_validator(mode="after")
    def _workspaces_by_http(self) -> Self:
        if self.slack_client_id and self.mode == "socket":
            raise ValueError("with SLACK_CLIENT_ID set FITTINGROOM_BOT_MODE=http: installing takes web pages")
        channels = [self.alerts_channel, *(route.channel for route in self.alerts_routes)]
        if self.slack_client_id and not all("/" in one for one in channels if one):
            raise ValueError(
                "with SLACK_CLIENT_ID a channel of alerts is WORKSPACE/CHANNEL, such as T123/C456"
            )
        return self

    @field_validator("slack_api_url")
    @classmethod
    def _ends_in_a_slash(cls, value: str) -> str:
        return value if value.endswith("/") else value + "/"

    def missing(self) -> tuple[str, ...]:
        """Environment variables that the chosen mode cannot do without."""
        needed: dict[str, object] = {"SLACK_BOT_TOKEN": self.slack_bot_token}
        if self.slack_client_id:
            needed = {
                "SLACK_CLIENT_SECRET": self.slack_client_secret,
                "FITTINGROOM_TOKEN_KEYS": self.token_keys,
            }
            needed["SLACK_SIGNING_SECRET"] = self.slack_signing_secret
        elif self.mode == "socket":
            needed["SLACK_APP_TOKEN"] = self.slack_app_token
        else:
            needed["SLACK_SIGNING_SECRET"] = self.slack_signing_secret
        if self.alerts_token and not (self.alerts_channel or self.alerts_routes):
            needed["FITTINGROOM_ALERTS_CHANNEL"] = None
        return tuple(name for name, value in needed.items() if value is None)

    def hub_settings(self) -> HubSettings | None:
        """How models nobody listed are looked up; None when they are not."""
        if self.hub == "off":
            return None
        return HubSettings(
            endpoint=self.hub_endpoint.rstrip("/"),
            token=self.hub_token.get_secret_value() if self.hub_token else None,
            cache_folder=self.hub_cache,
            timeout_seconds=self.hub_timeout_seconds,
        )

    def secrets(self) -> tuple[str, ...]:
        """Every secret in the clear, for the log's redaction and for nothing else."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))
