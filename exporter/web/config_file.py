"""The web config file of exporter-toolkit: TLS, basic auth, headers. Read again when it or a certificate changes.

Form: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
"""

import ssl
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_BCRYPT: Final = r"^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$"
_HEADERS: Final = {
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
    "Content-Security-Policy",
}


class BadWebConfig(Exception):
    """A file that cannot be used; the message says where and why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TlsConfig(_Part):
    """`tls_server_config`. Paths are relative to the config file."""

    cert_file: Path
    key_file: Path
    client_auth_type: Literal[
        "", "NoClientCert", "RequestClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
    ] = ""
    client_ca_file: Path | None = None
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS13"

    @model_validator(mode="after")
    def _a_verified_client_needs_an_authority(self) -> "TlsConfig":
        if (
            self.client_auth_type in {"VerifyClientCertIfGiven", "RequireAndVerifyClientCert"}
            and not self.client_ca_file
        ):
            raise ValueError(f"client_auth_type {self.client_auth_type} needs client_ca_file")
        return self


class HttpConfig(_Part):
    """`http_server_config`. HTTP/2 is not served, whatever is said; scrapers do without."""

    http2: bool = True
    headers: dict[str, str] = Field(default_factory=dict)

    @field_validator("headers")
    @classmethod
    def _known_headers_on_one_line(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if name not in _HEADERS:
                raise ValueError(f"header {name} cannot be set; these can: {', '.join(sorted(_HEADERS))}")
            if not value.isprintable():
                raise ValueError(f"header {name} holds a character that is not printable")
        return headers


class WebConfig(_Part):
    """The whole file. Users' passwords are bcrypt hashes."""

    tls_server_config: TlsConfig | None = None
    http_server_config: HttpConfig = HttpConfig()
    basic_auth_users: dict[str, Annotated[str, Field(pattern=_BCRYPT)]] = Field(default_factory=dict)

    @field_validator("basic_auth_users", mode="before")
    @classmethod
    def _nobody_is_nobody(cls, users: object) -> object:
        return {} if users is None else users


def read_web_config(path: Path) -> WebConfig:
    """The config of a file.

    Raises:
        BadWebConfig: It cannot be read or understood.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return WebConfig.model_validate({} if content is None else content)
    except OSError as error:
        raise BadWebConfig(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        # the input is left out of the message: it may be a password hash
        detail = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in detail["loc"])
        message = "must be a bcrypt hash" if "basic_auth_users" in place else detail["msg"]
        raise BadWebConfig(f"{path}: {place}: {message}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadWebConfig(f"{path} is not YAML") from error


def tls_context(config: TlsConfig, folder: Path) -> ssl.SSLContext:
    """The server's TLS context.

    Raises:
        BadWebConfig: A certificate or key cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[config.min_version]
    context.maximum_version = _VERSIONS[config.max_version]
    try:
        context.load_cert_chain(folder / config.cert_file, folder / config.key_file)
        if config.client_ca_file is not None:
            context.load_verify_locations(folder / config.client_ca_file)
    except (OSError, ssl.SSLError) as error:
        names = ", ".join(
            str(one) for one in (config.cert_file, config.key_file, config.client_ca_file) if one
        )
        raise BadWebConfig(f"the certificate cannot be used ({names}): {error.strerror or error}") from error
    context.verify_mode = {
        "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
        "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    }.get(config.client_auth_type, ssl.CERT_NONE)
    return context
