"""The pytest plugin: the fixture `legnext_mock`, in virtual time.

    async def test_my_pipeline(legnext_mock):
        ids = legnext_mock.add_jobs(1000)
        async with httpx.AsyncClient(transport=legnext_mock.transport()) as client:
            ...

An async test that uses the fixture runs (by pytest-trio) under a clock that jumps over all waiting;
no other fixture and no marker is needed. A test that brings a clock fixture of its own keeps that.

`@pytest.mark.legnext_mock(seed=7, slots=None)` sets what `MockLegnext` is made with, and
`@pytest.mark.legnext_mock(scenario="storm.toml")` takes it from a file beside the test's; the marks
of a class, a module and a test add up, the test's own winning. `real_time=True` leaves the test to
Trio's own clock, for sockets.

A failed test shows the last requests. At its teardown a test fails that has asked for what there is
no route for, unless it is marked with `unmatched="allow"`; and so does one in which the mock itself
had a bug.

In a `@given` test of Hypothesis, make a `MockLegnext` inside the test and run it by `run_virtual`:
a fixture would be shared by all examples.

Nothing but pytest is imported before the fixture is used.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from os import PathLike
    from pathlib import Path

    from mockserver._mock import MockLegnext
    from mockserver._scenario import Scenario

_FIXTURE = "legnext_mock"
_SHOWN = 20
_MOCK: pytest.StashKey[MockLegnext] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "legnext_mock(seed=0, slots=12, ..., scenario=None, unmatched='fail', real_time=False):"
        " the settings of the test's `legnext_mock` fixture, as for `mockserver.MockLegnext`; the"
        " scenario or its file that they go over; whether requests that fit no route fail the test;"
        " whether an async test runs in real time",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Run async tests that use the fixture in virtual time."""
    if not config.pluginmanager.hasplugin("trio"):
        return
    for item in items:
        if not isinstance(item, pytest.Function) or _FIXTURE not in item.fixturenames:
            continue
        if inspect.iscoroutinefunction(item.obj) and not _belongs_to_others(item):
            in_real_time = _settings(item).get("real_time", False)
            marker = pytest.mark.trio() if in_real_time else pytest.mark.trio(run=_run)
            # Before the markers it has: pytest-trio takes the runner of the first.
            item.add_marker(marker, append=False)


def _belongs_to_others(item: pytest.Item) -> bool:
    """Whether a test has chosen another runner, or another event loop."""
    import trio  # noqa: PLC0415 - only where the fixture is used

    if item.get_closest_marker("asyncio") or item.get_closest_marker("anyio"):
        return True
    runners = (marker.kwargs.get("run", trio.run) for marker in item.iter_markers("trio"))
    return any(runner is not trio.run for runner in runners)


def _run(async_fn: Any, **options: Any) -> object:  # noqa: ANN401 - whatever pytest-trio gives
    """What pytest-trio runs a test with; its clock, if it has one, is among the options."""
    from mockserver._virtual import run_virtual  # noqa: PLC0415 - only where the fixture is used

    result: object = run_virtual(async_fn, **options)
    return result


@pytest.fixture
def legnext_mock(request: pytest.FixtureRequest) -> Iterator[MockLegnext]:
    """A simulated Legnext account, see `mockserver.MockLegnext`.

    An async test that uses it runs in virtual time. `@pytest.mark.legnext_mock(seed=7, slots=6)`
    sets what it is made with.
    """
    settings = _settings(request.node)
    if any(marker.args for marker in request.node.iter_markers(_FIXTURE)):
        raise pytest.UsageError("the marker legnext_mock takes its settings by name")
    settings.pop("real_time", None)
    unmatched = settings.pop("unmatched", "fail")
    if unmatched not in {"fail", "allow"}:
        raise pytest.UsageError(f"unmatched must be 'fail' or 'allow', not {unmatched!r}")
    mock = _make(request.path.parent, **settings)
    request.node.stash[_MOCK] = mock
    yield mock
    if mock.crashes:
        raise ExceptionGroup("bugs inside the Legnext mock", mock.crashes)
    if unmatched == "fail":
        mock.requests.assert_matched()


def _settings(node: pytest.Item) -> dict[str, Any]:
    """What the markers say together, the nearest to the test winning."""
    settings: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers(_FIXTURE))):
        settings.update(marker.kwargs)
    return settings


def _make(
    folder: Path,
    *,
    scenario: Scenario | str | PathLike[str] | None = None,
    **settings: Any,  # noqa: ANN401 - whatever MockLegnext takes
) -> MockLegnext:
    """The mock of a scenario, with other settings in place of some of its own.

    Args:
        folder: What the path of a scenario's file begins at.
        scenario: The scenario, its file, or None.
        **settings: Of `MockLegnext`.
    """
    from mockserver._mock import MockLegnext  # noqa: PLC0415 - needs the extra `mock`

    if scenario is None:
        return MockLegnext(**settings)
    from mockserver._scenario import Scenario, read_scenario  # noqa: PLC0415 - as above

    if not isinstance(scenario, Scenario):
        scenario = read_scenario(folder / scenario)
    mock = MockLegnext(**(scenario.settings() | settings))
    scenario.add_jobs_to(mock)
    return mock


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],  # noqa: ARG001 - the hook's signature
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the last requests of a test that failed."""
    report = yield
    mock = item.stash.get(_MOCK, None)
    if report.failed and mock is not None:
        shown = [str(record) for record in mock.requests[-_SHOWN:]]
        title = f"Legnext mock: the last {len(shown)} of {len(mock.requests)} requests"
        report.sections.append((title, "\n".join(shown)))
    return report
