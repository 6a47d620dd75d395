"""The pool: always ready, never in the way, and nothing is left of it."""

from pathlib import Path

from tests.sandbox import pool_scenes
from tests.sandbox.arena import Arena


def test_more_runs_than_are_ready_start_at_once(ring: Arena) -> None:
    outputs, ready = ring.call(pool_scenes.many_at_once, 6)
    assert outputs == [str(number) for number in range(6)]
    assert ready == 1


def test_dead_zygote_loses_its_runs_and_is_replaced(ring: Arena) -> None:
    found = ring.call(pool_scenes.zygote_death)
    assert (found["status"], found["lost"], found["left"]) == (137, True, [])
    assert found["cold"]
    assert found["after"] == ("2\n", 0)


def test_old_zygote_stays_until_its_last_run_has_ended(ring: Arena) -> None:
    assert ring.call(pool_scenes.recycled) == {"alive": True, "old_ended": True, "retired": 0}


def test_import_that_ends_the_interpreter_is_left_out(ring: Arena, tmp_path: Path) -> None:
    site = Path(f"/tmp/hal9-site-{tmp_path.name}")
    for script in (
        "import os; os._exit(1)",
        "1 / 0",
        "import threading, time; threading.Thread(target=time.sleep, args=(9,)).start()",
    ):
        site.mkdir(exist_ok=True, mode=0o755)
        (site / "bomb.py").write_text(script + "\n")
        assert ring.call(pool_scenes.broken_import, str(site)) == {"printed": ("1\n", 0), "warm": True}, script
        (site / "bomb.py").unlink()
        site.rmdir()


def test_runs_start_without_a_zygote_where_none_comes_up(ring: Arena) -> None:
    found = ring.call(pool_scenes.no_zygote)
    assert found["outputs"] == [("1\n", 0)] * 3
    assert 1 <= found["failures"] <= 4


def test_wrong_run_is_refused_and_costs_no_child(ring: Arena) -> None:
    found = ring.call(pool_scenes.refused_specs)
    assert found == ["not a path inside the bot", "not an environment variable", "fine"]


def test_nothing_is_left_of_runs_and_pool(ring: Arena) -> None:
    found = ring.call(pool_scenes.leftovers, 6)
    assert found["after"] == found["before"]
    assert (found["after"]["processes"], found["after"]["groups"]) == (0, 0)


def test_nothing_is_left_of_a_server_that_was_killed(ring: Arena) -> None:
    assert ring.call(pool_scenes.orphaned) == {"processes": [], "groups": []}
