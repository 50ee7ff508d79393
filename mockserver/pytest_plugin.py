"""The pytest plugin: the fixture `legnext_mock`, in virtual time.

    async def test_my_pipeline(legnext_mock):
        ids = legnext_mock.add_jobs(1000)
        async with httpx.AsyncClient(transport=legnext_mock.transport()) as client:
            ...

pytest-trio runs an async test that uses the fixture under a clock that skips all waiting, without
another fixture or marker. A test with a clock fixture of its own keeps that.

`@pytest.mark.legnext_mock(seed=7, slots=None)` sets the arguments of `MockLegnext`, and
`@pytest.mark.legnext_mock(scenario="storm.toml")` takes them from a file beside the test's. The
markers of a class, a module and a test combine; the test's own take precedence. With
`real_time=True` the test runs under Trio's own clock, for sockets.

Plain tests, and tests under asyncio, are in virtual time too where what they call runs Trio in a
thread, as `legnext_stream.sync` and `legnext_stream.aio` do.

A failed test shows the last requests. A test fails at its teardown if a request had no route, unless
it is marked with `unmatched="allow"`, or if the mock itself had a bug.

In a `@given` test of Hypothesis, make a `MockLegnext` inside the test and run it by `run_virtual`, as
all examples would share a fixture.

Until a test uses the fixture, this imports nothing but pytest.
"""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from contextlib import AbstractContextManager
    from os import PathLike
    from pathlib import Path

    from mockserver._mock import MockLegnext
    from mockserver._scenario import Scenario

_FIXTURE = "legnext_mock"
_SHOWN = 20
_MOCK: pytest.StashKey[MockLegnext] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "legnext_mock(seed=0, slots=12, ..., scenario=None, unmatched='fail', real_time=False):"
        " the arguments of the test's `legnext_mock` fixture, as for `mockserver.MockLegnext`; a"
        " scenario or its file, which they override; whether requests without a route fail the test;"
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
            # Before its other markers, as pytest-trio takes the runner of the first.
            item.add_marker(marker, append=False)


def _belongs_to_others(item: pytest.Item) -> bool:
    """Whether a test has a marker for another runner or event loop."""
    import trio  # noqa: PLC0415 - only where the fixture is used

    if item.get_closest_marker("asyncio") or item.get_closest_marker("anyio"):
        return True
    runners = (marker.kwargs.get("run", trio.run) for marker in item.iter_markers("trio"))
    return any(runner is not trio.run for runner in runners)


def _run(async_fn: Any, **options: Any) -> object:  # noqa: ANN401 - the arguments of pytest-trio
    """The runner for pytest-trio; a clock of the test is among the options."""
    from mockserver._virtual import run_virtual  # noqa: PLC0415 - only where the fixture is used

    result: object = run_virtual(async_fn, **options)
    return result


@pytest.fixture
def legnext_mock(request: pytest.FixtureRequest) -> Iterator[MockLegnext]:
    """A simulated Legnext account, see `mockserver.MockLegnext`.

    A test that uses it runs in virtual time: on Trio, and with `legnext_stream.aio` or `.sync` under
    asyncio or in plain code. `@pytest.mark.legnext_mock(seed=7, slots=6)`
    sets its arguments.
    """
    settings = _settings(request.node)
    if any(marker.args for marker in request.node.iter_markers(_FIXTURE)):
        raise pytest.UsageError("the marker legnext_mock takes keyword arguments only")
    in_real_time = settings.pop("real_time", False)
    unmatched = settings.pop("unmatched", "fail")
    if unmatched not in {"fail", "allow"}:
        raise pytest.UsageError(f"unmatched must be 'fail' or 'allow', not {unmatched!r}")
    mock = _make(request.path.parent, **settings)
    request.node.stash[_MOCK] = mock
    with contextlib.nullcontext() if in_real_time else _virtual_threads():
        yield mock
    if mock.crashes:
        raise ExceptionGroup("bugs inside the Legnext mock", mock.crashes)
    if unmatched == "fail":
        mock.requests.assert_matched()


def _virtual_threads() -> AbstractContextManager[None]:
    from mockserver._virtual import virtual_in_threads  # noqa: PLC0415 - only where the fixture is used

    return virtual_in_threads()


def _settings(node: pytest.Item) -> dict[str, Any]:
    """The arguments of all markers; those closest to the test take precedence."""
    settings: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers(_FIXTURE))):
        settings.update(marker.kwargs)
    return settings


def _make(
    folder: Path,
    *,
    scenario: Scenario | str | PathLike[str] | None = None,
    **settings: Any,  # noqa: ANN401 - the arguments of MockLegnext
) -> MockLegnext:
    """Make the mock of a scenario, or of its file in `folder`, with some settings overridden."""
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
