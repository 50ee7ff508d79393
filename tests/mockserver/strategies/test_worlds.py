"""Generated mocks."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import attrs
import httpx
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver import MockLegnext, run_virtual
from mockserver._api.hints import Hints
from mockserver._plain import from_plain, to_plain
from mockserver._scenario import Scenario
from mockserver.strategies import hints, worlds
from tests.effort import examples
from tests.mockserver.helpers import client_of
from tests.mockserver.strategies.finding import plainest

# Making a whole world takes milliseconds, on a busy machine many.
SLOWLY = settings(examples(25), suppress_health_check=[HealthCheck.too_slow])


async def ask_until_all_have_ended(mock: MockLegnext) -> None:
    """Poll each job from time to time, until all have ended."""
    async with client_of(mock, timeout=20) as client:
        for job_id in mock.world.job_ids():
            while mock.world.ended_at(job_id, mock.now) is None:
                with contextlib.suppress(httpx.TransportError):
                    await client.get(f"/api/v1/job/{job_id}")
                await trio.sleep(30)


@SLOWLY
@given(worlds(most_jobs=3))
def test_worlds_can_be_lived_in(world: Scenario) -> None:
    """In any world all jobs end, and the mock has no bug."""
    mock = world.mock()
    run_virtual(ask_until_all_have_ended, mock)
    assert mock.crashes == []


@SLOWLY
@given(worlds(kinds=[], seed=7, slots=1))
def test_settings_can_be_fixed(world: Scenario) -> None:
    """Fixed settings are the same in all examples, and each can be written to a file."""
    assert (world.seed, world.slots, world.faults) == (7, 1, ())
    assert from_plain(Scenario, to_plain(world)) == world


@given(st.data())
@SLOWLY
def test_hints_can_be_made(data: st.DataObject) -> None:
    """There are examples of every form of hint."""
    assert isinstance(data.draw(hints()), Hints)


def test_they_shrink_to_the_defaults() -> None:
    """Worlds shrink to a mock with default settings, except for what matters."""
    assert plainest(worlds()) == Scenario()
    assert plainest(hints()) == Hints()
    found = plainest(worlds(), lambda world: world.quirks.error_body == "nested")
    assert found == attrs.evolve(Scenario(), quirks=found.quirks)


def test_only_the_strategies_need_hypothesis() -> None:
    """The other public names and the command don't need Hypothesis."""
    program = (
        "import sys, mockserver, mockserver._cli;"
        "[getattr(mockserver, name) for name in mockserver.__all__];"
        "assert 'hypothesis' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
