"""The pytest plugin, in test suites of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.patience import PATIENCE

pytest_plugins = ["pytester"]

PRELUDE = """
import time, pytest, trio, trio.testing, httpx

async def balance(mock, path="/api/account/balance"):
    async with httpx.AsyncClient(
        transport=mock.transport(), headers={"x-api-key": "k"}, base_url="http://a"
    ) as client:
        return await client.get(path, timeout=None)
"""


def suite(pytester: pytest.Pytester, tests: str, *, trio_mode: bool = True) -> pytest.RunResult:
    """Run the tests of a suite that has installed the plugin."""
    pytester.makeini(
        f"[pytest]\ntrio_mode = {str(trio_mode).lower()}\nfilterwarnings = error\n"
        "addopts = --strict-markers -p no:cacheprovider\n"
    )
    pytester.makepyfile(PRELUDE + tests)
    return pytester.runpytest()


@pytest.mark.parametrize("trio_mode", [True, False])
def test_an_async_test_runs_in_virtual_time(pytester: pytest.Pytester, *, trio_mode: bool) -> None:
    """A test only needs the fixture, with or without pytest-trio's mode."""
    tests = """
async def test_hours_pass_at_once(legnext_mock):
    ids = legnext_mock.add_jobs(1000)
    assert isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
    await trio.sleep(100_000)
    assert legnext_mock.truth[ids[-1]][-1].status == "completed"
    assert (await balance(legnext_mock)).status_code == 200
    assert legnext_mock.now == trio.current_time()
"""
    suite(pytester, tests, trio_mode=trio_mode).assert_outcomes(passed=1)


def test_a_clock_of_the_tests_own_wins(pytester: pytest.Pytester) -> None:
    """A test with its own clock fixture keeps that clock."""
    tests = """
async def test_mine(legnext_mock, mock_clock):
    mock_clock.jump(5)
    assert legnext_mock.now == trio.current_time() == 5
    assert mock_clock.autojump_threshold == float("inf")
"""
    suite(pytester, tests).assert_outcomes(passed=1)


def test_a_runner_of_the_tests_own_wins(pytester: pytest.Pytester) -> None:
    """A test keeps its own runner, and other event loops are left alone."""
    tests = """
def run(fn, **options):
    options["clock"] = trio.testing.MockClock(autojump_threshold=0)
    options["clock"].jump(42)
    return trio.run(fn, **options)

@pytest.mark.trio(run=run)
async def test_mine(legnext_mock):
    assert trio.current_time() == 42

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_others(legnext_mock, anyio_backend):
    legnext_mock.add_jobs(1)
"""
    suite(pytester, tests, trio_mode=False).assert_outcomes(passed=2)


OFF_TRIO = """
import asyncio, threading
from legnext_stream import aio, sync
from legnext_stream.aio import LegnextClient as AioClient
from legnext_stream.sync import LegnextClient as SyncClient

def check(mock, ids, events):
    assert sum(event.status.is_terminal for event in events) == len(ids) == 200
    assert mock.now > 600
    assert all(end.status == "completed" for end in (mock.truth[one][-1] for one in ids))
"""


def test_plain_code_is_in_virtual_time(pytester: pytest.Pytester) -> None:
    """A plain test of the README's form takes no longer than it does on Trio."""
    tests = """
def test_my_pipeline(legnext_mock):
    ids = legnext_mock.add_jobs(200)
    began = time.monotonic()
    with SyncClient(api_key="test", transport=legnext_mock.transport()) as client:
        events = list(client.watch(ids))
    check(legnext_mock, ids, events)
    assert time.monotonic() - began < PATIENCE
"""
    suite(pytester, _patient(OFF_TRIO + tests)).assert_outcomes(passed=1)


def test_asyncio_is_in_virtual_time(pytester: pytest.Pytester) -> None:
    """So does one under asyncio, whoever runs the loop."""
    tests = """
async def pipeline(mock):
    ids = mock.add_jobs(200)
    async with AioClient(api_key="test", transport=mock.transport()) as client:
        events = [event async for event in client.watch(ids)]
    check(mock, ids, events)

def test_my_own_loop(legnext_mock):
    asyncio.run(asyncio.wait_for(pipeline(legnext_mock), PATIENCE))

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_loop_of_a_plugin(legnext_mock, anyio_backend):
    await asyncio.wait_for(pipeline(legnext_mock), PATIENCE)
"""
    suite(pytester, _patient(OFF_TRIO + tests), trio_mode=False).assert_outcomes(passed=2)


def test_time_stands_still_while_other_code_works(pytester: pytest.Pytester) -> None:
    """Off Trio, time passes only while the test waits for the library, so no timeout comes early."""
    tests = """
def test_a_slow_consumer(legnext_mock):
    ids = legnext_mock.add_jobs(3)
    with SyncClient(api_key="test", transport=legnext_mock.transport()) as client:
        for event in client.watch(ids, timeout=400):
            before = legnext_mock.now
            # What other threads could do in this time, they have done.
            for _ in range(20):
                assert client.stats.polls
            assert legnext_mock.now == before
            assert event.status != "timed_out"
        began = legnext_mock.now
        job = client.diffusion("a lighthouse")
        assert legnext_mock.now == began
        assert client.wait(job).status == "completed"
        assert legnext_mock.now > began + 10
"""
    suite(pytester, OFF_TRIO + tests).assert_outcomes(passed=1)


def test_real_time_is_real_off_trio_too(pytester: pytest.Pytester) -> None:
    """A test that is marked so gets Trio's own clock in its threads; and so does one after it."""
    tests = """
def seen(mock):
    clocks = []
    async def main():
        clocks.append(type(trio.lowlevel.current_clock()).__name__)
    thread = threading.Thread(target=trio.run, args=[main])
    thread.start()
    thread.join()
    return clocks

@pytest.mark.legnext_mock(real_time=True)
def test_real(legnext_mock):
    assert seen(legnext_mock) == ["SystemClock"]

def test_virtual(legnext_mock):
    assert seen(legnext_mock) == ["MockClock"]
    async def main():
        return type(trio.lowlevel.current_clock()).__name__
    assert trio.run(main) == "SystemClock"

def test_without_the_fixture():
    assert seen(None) == ["SystemClock"]
"""
    suite(pytester, OFF_TRIO + tests).assert_outcomes(passed=3)


def _patient(tests: str) -> str:
    return f"PATIENCE = {PATIENCE}\n{tests}"


def test_markers_are_settings(pytester: pytest.Pytester) -> None:
    """A marker sets arguments of the mock; the closest one takes precedence."""
    tests = """
pytestmark = pytest.mark.legnext_mock(seed=5, slots=1)

@pytest.mark.legnext_mock(seed=7, api_keys=["other"])
async def test_settings(legnext_mock):
    assert legnext_mock.world.seed == 7
    assert (await balance(legnext_mock)).status_code == 401
    ids = legnext_mock.add_jobs(2)
    await trio.sleep(1)
    assert legnext_mock.truth[ids[1]][-1].status == "pending"

@pytest.mark.legnext_mock(5)
def test_by_name(legnext_mock):
    pass
"""
    result = suite(pytester, tests)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the marker legnext_mock takes keyword arguments only*"])


def test_a_sync_test_can_use_it(pytester: pytest.Pytester) -> None:
    """A synchronous test can run the mock itself, or give it a clock."""
    tests = """
from mockserver import run_virtual

def test_run_virtual(legnext_mock):
    assert run_virtual(balance, legnext_mock).status_code == 200

@pytest.mark.legnext_mock(clock=time.monotonic, time_scale=1e9)
def test_clock(legnext_mock):
    (job,) = legnext_mock.add_jobs(1)
    while legnext_mock.truth[job][-1].status != "completed":
        pass
"""
    suite(pytester, tests).assert_outcomes(passed=2)


@pytest.mark.parametrize("trio_mode", [True, False])
def test_a_test_may_run_in_real_time(pytester: pytest.Pytester, *, trio_mode: bool) -> None:
    """With `real_time=True` a test runs under Trio's own clock."""
    tests = """
@pytest.mark.legnext_mock(real_time=True, time_scale=1000)
async def test_a_blocking_client(legnext_mock):
    async with legnext_mock.serve() as url:
        def ask():
            return httpx.get(f"{url}/api/account/balance", headers={"x-api-key": "k"})
        assert (await trio.to_thread.run_sync(ask)).status_code == 200
    assert not isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
"""
    suite(pytester, tests, trio_mode=trio_mode).assert_outcomes(passed=1)


def test_the_same_test_is_the_same_every_time(pytester: pytest.Pytester) -> None:
    """Tasks are scheduled in the same order in every run."""
    tests = """
@pytest.mark.parametrize("n", range(5))
@pytest.mark.legnext_mock(limit=__import__("mockserver").TokenBucket(1, 3))
async def test_race(legnext_mock, n):
    async with trio.open_nursery() as nursery:
        for i in range(10):
            nursery.start_soon(balance, legnext_mock, f"/api/v1/job/{i}")
    seen.add(legnext_mock.requests.dump())
    assert len(seen) == 1

seen = set()
"""
    suite(pytester, tests).assert_outcomes(passed=5)


def test_a_failure_shows_the_last_requests(pytester: pytest.Pytester) -> None:
    """A failed test shows its requests, and a passed one none."""
    tests = """
@pytest.mark.legnext_mock(unmatched="allow")
async def test_fails(legnext_mock):
    await balance(legnext_mock, "/api/v1/nowhere")
    assert False

async def test_passes(legnext_mock):
    await balance(legnext_mock)

def test_without():
    assert False
"""
    result = suite(pytester, tests)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        ["*Legnext mock: the last 1 of 1 requests*", "*GET /api/v1/nowhere -> 404*"]
    )
    assert str(result.stdout).count("Legnext mock:") == 1


def test_a_request_that_fits_no_route_fails_the_test(pytester: pytest.Pytester) -> None:
    """A request without a route fails the test, with the closest route."""
    tests = """
async def test_slip(legnext_mock):
    assert (await balance(legnext_mock, "/api/account/balanse")).status_code == 404

@pytest.mark.legnext_mock(unmatched="allow")
async def test_on_purpose(legnext_mock):
    assert (await balance(legnext_mock, "/api/account/balanse")).status_code == 404

@pytest.mark.legnext_mock(unmatched="ignore")
def test_wrong_word(legnext_mock):
    pass
"""
    result = suite(pytester, tests)
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*requests without a route*",
            "*GET /api/account/balanse -> 404*the nearest is GET /api/account/balance*",
            "*unmatched must be 'fail' or 'allow', not 'ignore'*",
        ]
    )


def test_a_marker_names_a_scenario(pytester: pytest.Pytester) -> None:
    """A scenario's file is beside the test; other arguments override it."""
    pytester.makefile(
        ".toml",
        storm="seed = 5\nslots = 1\n[[jobs]]\ncount = 3\n[[faults]]\nkind = 'status'\ncode = 503",
    )
    tests = """
from mockserver._scenario import Jobs, Scenario

pytestmark = pytest.mark.legnext_mock(scenario="storm.toml")

async def test_the_file(legnext_mock):
    assert (legnext_mock.world.seed, legnext_mock.world.slots) == (5, 1)
    assert len(legnext_mock.truth) == 3
    assert (await balance(legnext_mock)).status_code == 503

@pytest.mark.legnext_mock(seed=7, faults=[])
async def test_over_it(legnext_mock):
    assert (legnext_mock.world.seed, legnext_mock.world.slots) == (7, 1)
    assert (await balance(legnext_mock)).status_code == 200

@pytest.mark.legnext_mock(scenario=Scenario(seed=9, jobs=(Jobs(),)))
async def test_a_value(legnext_mock):
    assert legnext_mock.world.seed == 9
    legnext_mock.add_jobs(5)
    legnext_mock.reset()
    assert len(legnext_mock.truth) == 1

@pytest.mark.legnext_mock(scenario="calm.toml")
def test_no_such_file(legnext_mock):
    pass
"""
    result = suite(pytester, tests)
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*FileNotFoundError*calm.toml*"])


def test_a_bug_in_the_mock_fails_the_test(pytester: pytest.Pytester) -> None:
    """Errors in the mock are raised at the teardown."""
    tests = """
def broken(start):
    raise ZeroDivisionError("run time")

@pytest.mark.legnext_mock(run_times=broken)
async def test_bug(legnext_mock):
    (job,) = legnext_mock.add_jobs(1)
    await trio.sleep(1)
    assert (await balance(legnext_mock, f"/api/v1/job/{job}")).status_code == 500
"""
    result = suite(pytester, tests)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*bugs inside the Legnext mock*"])


def test_without_pytest_trio_the_rest_works(pytester: pytest.Pytester) -> None:
    """Without pytest-trio, synchronous tests can use the fixture."""
    pytester.makepyfile(PRELUDE + "\ndef test_sync(legnext_mock):\n    legnext_mock.add_jobs(1)\n")
    pytester.runpytest("-p", "no:trio").assert_outcomes(passed=1)


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    """Loading the plugin imports nothing heavy."""
    program = (
        "import sys, pytest; before = set(sys.modules); import mockserver.pytest_plugin;"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['mockserver']\n"
