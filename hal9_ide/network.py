"""Whom a bot may reach: what its author chose, within what the operator allows; lists as in `sandbox.policy`."""

from hal9_ide.errors import BadRequest, NotAllowed
from hal9_ide.settings import Settings
from sandbox import policy


def may_choose(settings: Settings, is_guest: bool) -> bool:
    """Say whether an author decides. Anybody can be a guest: their bots must not send requests from this machine."""
    return not is_guest or settings.guests_network == "on"


def network_of(settings: Settings, chosen: list[str] | None, owner_is_guest: bool) -> list[str]:
    """Return the policy that holds: [] off, ["*"] the public internet, else hosts. `chosen` None: the default."""
    if not may_choose(settings, owner_is_guest):
        return []
    if chosen is not None:
        return chosen
    return [policy.PUBLIC_WORD] if settings.network == "public" else []


def checked_network(settings: Settings, wish: list[str], owner_is_guest: bool) -> list[str]:
    """Return an author's wish in its one spelling. Raises BadRequest, NotAllowed."""
    if wish and not may_choose(settings, owner_is_guest):
        raise NotAllowed("Bots of guests cannot use the network here. Sign in first.", code="guest_network")
    try:
        return policy.parse(wish).record
    except policy.BadPolicy as error:
        raise BadRequest(str(error), code="bad_network") from None
