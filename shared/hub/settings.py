"""How models nobody listed are looked up: where, with which token, how long, and what is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENDPOINT: Final = "https://huggingface.co"
WEEK_SECONDS: Final = 7 * 24 * 3600
TIMEOUT_SECONDS: Final = 15.0
_TRUE: Final = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Settings of the look-up.

    Attributes:
        endpoint: Address of the hub or of a mirror that speaks its API.
        token: For gated and private repositories; None for none.
        cache_folder: Where rows that were read are kept; None keeps nothing.
        max_age_seconds: Age from which a kept row is read again.
        offline: Only what is kept is used, however old.
        timeout_seconds: The longest one look-up may take, all its requests together.
    """

    endpoint: str = ENDPOINT
    token: str | None = None
    cache_folder: Path | None = None
    max_age_seconds: float = WEEK_SECONDS
    offline: bool = False
    timeout_seconds: float = TIMEOUT_SECONDS

    def __repr__(self) -> str:
        """The settings without the token."""
        token = "None" if self.token is None else "'********'"
        return f"HubSettings(endpoint={self.endpoint!r}, token={token}, offline={self.offline})"


def hub_settings(environment: Mapping[str, str]) -> HubSettings | None:
    """The settings by the hub's own variables and ours; None when look-ups are switched off.

    HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE mean what they mean to huggingface_hub. FITTINGROOM_HUB=off switches
    look-ups off; FITTINGROOM_HUB_CACHE names the folder of what is kept.
    """
    if environment.get("FITTINGROOM_HUB", "").strip().lower() in ("off", "0", "false", "no"):
        return None
    return HubSettings(
        endpoint=(environment.get("HF_ENDPOINT") or ENDPOINT).rstrip("/"),
        token=environment.get("HF_TOKEN") or None,
        cache_folder=_cache_folder(environment),
        offline=environment.get("HF_HUB_OFFLINE", "").strip().lower() in _TRUE,
    )


def _cache_folder(environment: Mapping[str, str]) -> Path | None:
    named = environment.get("FITTINGROOM_HUB_CACHE")
    if named:
        return Path(named)
    home = environment.get("XDG_CACHE_HOME")
    if home:
        return Path(home) / "fittingroom" / "hub"
    user = environment.get("HOME")
    return Path(user) / ".cache" / "fittingroom" / "hub" if user else None
