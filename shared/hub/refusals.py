"""Why a model could not be looked up, each as its one sentence."""

from shared.errors import UserError, shown


class NotLookedUp(UserError):
    """A model that could not be read from where it should be."""

    field = "model"


class HubAway(NotLookedUp):
    """The hub did not answer, or not as it should; what the catalog knows is not affected."""


def not_there(name: str, place: str) -> NotLookedUp:
    """No such repository, or a private one: a hub does not tell which."""
    return NotLookedUp(f"{shown(name)} is not on {place}, or it is private: check its name, or set HF_TOKEN.")


def gated(name: str, place: str, *, has_token: bool) -> NotLookedUp:
    """A repository whose licence must be accepted first."""
    if has_token:
        return NotLookedUp(
            f"{shown(name)} is gated and the token has no access: accept its licence on its page on {place}."
        )
    return NotLookedUp(f"{shown(name)} is gated: accept its licence on {place} and set HF_TOKEN.")


def away(place: str, why: str) -> HubAway:
    """The hub did not answer as it should."""
    return HubAway(f"{place} cannot be asked now ({why}); models of the catalog work without it.")


def offline(name: str) -> NotLookedUp:
    """Nothing is kept of it and nothing may be asked."""
    return NotLookedUp(
        f"{shown(name)} is not in the catalog, and look-ups are offline: unset HF_HUB_OFFLINE to ask."
    )
