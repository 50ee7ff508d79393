"""What holds for all tests: how Hypothesis explores, in whose time they run, and in what environment."""

from __future__ import annotations

import gc
import inspect
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import trio
import trio.testing
from trio.abc import Clock, Instrument

from tests.effort import load_profile

load_profile()

_TESTS = Path(__file__).parent
_IN_VIRTUAL_TIME = tuple(_TESTS / name for name in ("legnext_stream", "contract", "hostile"))
_IN_ITS_OWN_TIME = _TESTS / "legnext_stream" / "cli"
_CLOCKS = {"mock_clock", "autojump_clock", "legnext_mock"}


def _run_virtual(
    async_fn: Callable[[], Awaitable[object]],
    *,
    clock: Clock | None = None,  # noqa: ARG001 - pytest-trio passes None: the test brought no clock
    instruments: Sequence[Instrument] = (),
) -> object:
    """Run a test under a clock that jumps over all waiting; tasks take turns at random, as ever."""
    virtual = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(async_fn, clock=virtual, instruments=instruments)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Run the library's async tests in virtual time, but for those that bring their own clock."""
    for item in items:
        if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(item.obj):
            continue
        is_ours = any(item.path.is_relative_to(folder) for folder in _IN_VIRTUAL_TIME)
        if not is_ours or item.path.is_relative_to(_IN_ITS_OWN_TIME):
            continue
        if not _CLOCKS & set(item.fixturenames):
            # Before the marker that pytest-trio has set: it takes the runner of the first.
            item.add_marker(pytest.mark.trio(run=_run_virtual), append=False)


def pytest_collection_finish() -> None:
    """Leave all that was imported out of the garbage collections of tests.

    Some tests collect garbage to see that none of theirs is left. With a few hundred modules of tests
    in memory each collection would take longer than the test.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _heard_signals() -> None:
    """No signal is ignored because whoever started the tests ignores it, as `nohup` and `&` do."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, base URL or proxy but what a test sets."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    for name in ("LEGNEXT_API_KEY", "LEGNEXT_BASE_URL", *names):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
