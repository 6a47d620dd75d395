"""Places for runs: who has room, who must make room."""

from sandbox.capacity import Capacity, Keys, Slots, server_runs

CAPACITY = Capacity(server=5, user=2, visitor=2, bot=3)


def live(owner: str, bot: str = "b") -> Keys:
    return Keys("live", owner, bot)


def test_each_limit_is_found() -> None:
    slots = Slots(CAPACITY)
    slots.take("1", live("v1"))
    slots.take("2", live("v1"))
    assert slots.full_group("3", live("v1")) == ("visitor", "v1")
    slots.take("3", live("v2"))
    assert slots.full_group("4", live("v3")) == ("bot", "b")
    slots.take("4", Keys("draft", "u", "c"))
    slots.take("5", Keys("draft", "u", "d"))
    assert slots.full_group("6", Keys("draft", "u", "e")) == ("user", "u")
    assert slots.full_group("6", Keys("draft", "w", "e")) == ("server", "")


def test_a_chat_that_has_a_place_keeps_it() -> None:
    slots = Slots(CAPACITY)
    slots.take("1", live("v1"))
    slots.take("2", live("v1"))
    assert slots.full_group("2", live("v1")) is None


def test_the_longest_waiting_makes_room() -> None:
    slots = Slots(CAPACITY)
    slots.take("1", live("v1"))
    slots.take("2", live("v1"))
    assert slots.longest_waiting(("visitor", "v1")) is None
    slots.set_waiting("2", 10.0)
    slots.set_waiting("1", 20.0)
    assert slots.longest_waiting(("visitor", "v1")) == "2"
    slots.set_waiting("2", None)
    assert slots.longest_waiting(("visitor", "v1")) == "1"
    assert slots.waiting == 1


def test_release_gives_the_place_back() -> None:
    slots = Slots(CAPACITY)
    slots.take("1", live("v1"))
    slots.take("2", live("v1"))
    slots.release("1")
    slots.release("1")
    assert slots.full_group("3", live("v1")) is None
    assert len(slots) == 1


def test_places_follow_the_memory() -> None:
    assert server_runs(24 << 30) == 288
    assert server_runs(0) == 4
