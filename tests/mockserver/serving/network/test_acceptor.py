"""Accepting connections."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
import trio.testing

from mockserver import run_virtual
from mockserver._faults import Faults, Rule, When
from mockserver._faults.connection import Refuse, Reset, Silence
from mockserver._serving.clocks import WorldClock
from mockserver._serving.network.acceptor import Door


def test_rules_choose_connections_by_number() -> None:
    """Each connection is counted, and gets the faults for its number."""

    async def use() -> None:
        rules = [Rule(Reset(), When(every=2)), Rule(Silence(), When(nth=4))]
        door = Door(Faults(rules), WorldClock(None, 1.0), knows_requests=False)
        assert [door.admit() for _ in range(4)] == [(), (Reset(),), (), (Reset(), Silence())]

    run_virtual(use)


def test_where_requests_are_known_only_refusals_act_on_connections() -> None:
    """If requests are known, other faults apply to them."""

    async def use() -> None:
        rules = [Rule(Reset()), Rule(Refuse(), When(nth=2)), Rule(Refuse(), When(route="job"))]
        door = Door(Faults(rules), WorldClock(None, 1.0), knows_requests=True)
        assert [door.admit() for _ in range(3)] == [(), (Refuse(),), ()]

    run_virtual(use)


@pytest.mark.parametrize(
    ("when", "is_shut"),
    [
        (When(), True),
        (When(until=1), True),
        (When(after=1), False),
        (When(nth=1), False),
        (When(every=1), False),
        (When(probability=1), False),
        (When(route="job"), False),
    ],
)
def test_what_shuts_it(when: When, *, is_shut: bool) -> None:
    """Only a refusal of all connections shuts the door."""

    async def use() -> None:
        faults = Faults([Rule(Refuse(), when)])
        assert Door(faults, WorldClock(None, 1.0), knows_requests=True).is_shut is is_shut
        assert not Door(
            Faults([Rule(Reset(), when)]), WorldClock(None, 1), knows_requests=False
        ).is_shut

    run_virtual(use)


def test_it_is_shut_in_its_windows() -> None:
    """It shuts and opens with windows of the world's time."""

    async def use() -> list[float]:
        windows = [When(after=10, until=20), When(after=15, until=30), When(after=50)]
        now = WorldClock(None, 2.0)
        door = Door(Faults([Rule(Refuse(), when) for when in windows]), now, knows_requests=True)
        times = []
        for wait in (door.until_shut, door.until_open, door.until_shut):
            await wait()
            times.append(now())
        return times

    assert run_virtual(use) == pytest.approx([10, 30, 50])


@pytest.mark.parametrize(
    "change", [lambda faults: faults.remove("refuse"), lambda faults: faults.clear()]
)
def test_other_rules_change_it_at_once(change: Callable[[Faults], None]) -> None:
    """Waiting for it ends when a rule is added or removed."""

    async def use() -> None:
        faults = Faults()
        door = Door(faults, WorldClock(None, 1.0), knows_requests=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.until_shut)
            await trio.testing.wait_all_tasks_blocked()
            faults.add(Reset())
            await trio.testing.wait_all_tasks_blocked()
            assert nursery.child_tasks
            faults.add(Refuse())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.until_open)
            await trio.testing.wait_all_tasks_blocked()
            change(faults)
        assert trio.current_time() == 0

    run_virtual(use)
