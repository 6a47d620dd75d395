"""Whom a bot may reach: the author chooses, the operator bounds, guests start with nothing."""

from dataclasses import replace

import pytest

from hal9_ide.errors import BadRequest, NotAllowed
from hal9_ide.network import checked_network, network_of
from hal9_ide.settings import Settings

SETTINGS = Settings()
OPEN = replace(SETTINGS, guests_network="on")
CLOSED = replace(SETTINGS, network="off")


@pytest.mark.parametrize(
    ("settings", "chosen", "is_guest", "holds"),
    [
        (SETTINGS, None, True, []),
        (SETTINGS, ["*"], True, []),
        (SETTINGS, None, False, ["*"]),
        (SETTINGS, [], False, []),
        (SETTINGS, ["api.example.org"], False, ["api.example.org"]),
        (OPEN, ["*"], True, ["*"]),
        (CLOSED, None, False, []),
        (CLOSED, ["*"], False, ["*"]),
    ],
)
def test_what_holds(settings: Settings, chosen: list[str] | None, is_guest: bool, holds: list[str]) -> None:
    assert network_of(settings, chosen, is_guest) == holds


def test_a_guest_may_not_choose_and_a_user_gets_one_spelling() -> None:
    with pytest.raises(NotAllowed):
        checked_network(SETTINGS, ["*"], True)
    assert checked_network(SETTINGS, [], True) == []
    assert checked_network(SETTINGS, ["API.Example.org", "*.example.net:443"], False) == [
        "api.example.org",
        ".example.net:443",
    ]
    with pytest.raises(BadRequest):
        checked_network(SETTINGS, ["not a host"], False)
