"""The exporter's settings: each is an option of `python -m exporter` and an environment variable."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_PREFIX: Final = "FITTINGROOM_EXPORTER_"
DEFAULT_PORT: Final = 9835


class ExporterSettings(BaseSettings):
    """Built once at the start and passed down; the descriptions are what `--help` prints."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True, validate_default=True
    )

    listen_address: str = Field(
        "127.0.0.1", description="Address to listen on; 0.0.0.0 lets other machines scrape."
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        DEFAULT_PORT, description="Port to listen on; 0 takes a free one."
    )
    poll_interval_seconds: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        10.0, description="Time between two looks at the GPUs."
    )
    poll_timeout_seconds: Annotated[float, Field(ge=0.05, le=600)] = Field(
        5.0, description="How long one look may take; a driver that hangs longer counts as failed."
    )
    max_age_seconds: Annotated[float, Field(ge=1)] = Field(
        60.0, description="Data older than this is not served, whatever happened."
    )
    simulate: Path | None = Field(
        None,
        description="Show the node this TOML or JSON file describes instead of real GPUs; 'default' is ours.",
    )
    candidates: Path | None = Field(
        None,
        description="TOML list of models to hold against every GPU; re-read when it changes. Default: ours.",
    )
    site_catalog: Path | None = Field(
        None, description="TOML file of models, GPUs, quantizations and engines to add to the catalog."
    )
    series_limit: Annotated[int, Field(ge=0)] = Field(
        10_000, description="Most series of fit metrics; what is left out is counted in a metric."
    )
    engine_apis: bool = Field(
        True,
        description="Ask inference servers found on this node, on loopback only, for their KV cache's state.",
    )
    engine_timeout_seconds: Annotated[float, Field(ge=0.05, le=60)] = Field(
        1.0, description="How long one inference server may take to answer."
    )
    attribute_processes: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Tell models by processes: auto where the host's processes are seen, always trusts --proc.",
    )
    proc: Path = Field(Path("/proc"), description="Where the host's /proc is mounted.")
    pod_resources_socket: Path | None = Field(
        None, description="The kubelet's pod-resources socket, to say which pod holds a GPU."
    )
    node: str | None = Field(
        None,
        description="Name of this node in the page and the JSON. Default: the hostname, or the simulation's name.",
    )
    web_config: Path | None = Field(
        None,
        description="File with TLS and basic-auth settings, in the form of Prometheus' exporter-toolkit.",
    )
    max_connections: Annotated[int, Field(ge=1, le=10_000)] = Field(
        256, description="Connections served at once; more are refused with 503."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much to log.")
    log_format: Literal["text", "json"] = Field(
        "text", description="One line of text or one JSON object per entry."
    )
    once: bool = Field(False, description="Look once, print the metrics and exit.")
    check_config: bool = Field(False, description="Print the settings in force and exit.")
