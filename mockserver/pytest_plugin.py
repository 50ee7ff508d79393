"""The pytest plugin: the fixture `legnext_mock`, in virtual time.

    async def test_my_pipeline(legnext_mock):
        ids = legnext_mock.add_jobs(1000)
        async with httpx.AsyncClient(transport=legnext_mock.transport()) as client:
            ...

An async test that uses the fixture runs (by pytest-trio) under a clock that jumps over all waiting;
no other fixture and no marker is needed. A test that brings a clock fixture of its own keeps that,
and `@pytest.mark.legnext_mock(seed=7, slots=None)` sets what `MockLegnext` is made with. A failed
test shows the last requests; a bug inside the mock fails the test at its teardown.

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

    from mockserver.mock import MockLegnext

_FIXTURE = "legnext_mock"
_SHOWN = 20
_MOCK: pytest.StashKey[MockLegnext] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "legnext_mock(seed=0, slots=12, ...): the settings of the test's `legnext_mock` fixture,"
        " as for `mockserver.MockLegnext`",
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
            # Before the markers it has: pytest-trio takes the runner of the first.
            item.add_marker(pytest.mark.trio(run=_run), append=False)


def _belongs_to_others(item: pytest.Item) -> bool:
    """Whether a test has chosen another runner, or another event loop."""
    import trio  # noqa: PLC0415 - only where the fixture is used

    if item.get_closest_marker("asyncio") or item.get_closest_marker("anyio"):
        return True
    runners = (marker.kwargs.get("run", trio.run) for marker in item.iter_markers("trio"))
    return any(runner is not trio.run for runner in runners)


def _run(async_fn: Any, **options: Any) -> object:  # noqa: ANN401 - whatever pytest-trio gives
    """What pytest-trio runs a test with; its clock, if it has one, is among the options."""
    from mockserver.virtual import run_virtual  # noqa: PLC0415 - only where the fixture is used

    result: object = run_virtual(async_fn, **options)
    return result


@pytest.fixture
def legnext_mock(request: pytest.FixtureRequest) -> Iterator[MockLegnext]:
    """A simulated Legnext account, see `mockserver.MockLegnext`.

    An async test that uses it runs in virtual time. `@pytest.mark.legnext_mock(seed=7, slots=6)`
    sets what it is made with.
    """
    from mockserver.mock import MockLegnext  # noqa: PLC0415 - needs the extra `mock`

    settings: dict[str, Any] = {}
    # From the outermost to the test's own, so that the test's own settings win.
    for marker in reversed(list(request.node.iter_markers(_FIXTURE))):
        if marker.args:
            raise pytest.UsageError("the marker legnext_mock takes its settings by name")
        settings.update(marker.kwargs)
    mock = MockLegnext(**settings)
    request.node.stash[_MOCK] = mock
    yield mock
    if mock.crashes:
        raise ExceptionGroup("bugs inside the Legnext mock", mock.crashes)


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
