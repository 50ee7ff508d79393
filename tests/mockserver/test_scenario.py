"""Scenarios: files that describe a whole mock."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from hypothesis import HealthCheck, given, settings

from mockserver import (
    Concurrency,
    FixedWindow,
    Lognormal,
    MockLegnext,
    Quirks,
    Rule,
    Scheduled,
    Script,
    Status,
    TokenBucket,
    When,
    run_virtual,
)
from mockserver._faults.connection import Reset
from mockserver._faults.http import Delay
from mockserver._plain import PlainError
from mockserver._scenario import (
    Jobs,
    Phase,
    Scenario,
    ScenarioError,
    read_scenario,
    write_scenario,
)
from mockserver._world.limit_rules import LimitRule
from mockserver.strategies import worlds
from tests.effort import examples
from tests.mockserver.helpers import POST, client_of

EXAMPLE = Path(__file__).parents[2] / "docs" / "mock" / "scenario.toml"


def read(folder: Path, text: str, name: str = "scenario.toml") -> Scenario:
    """The scenario of a file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_scenario(path)


async def statuses_at(mock: MockLegnext, times: list[float], path: str) -> list[int]:
    """The status codes of requests at these times, in seconds."""
    codes = []
    async with client_of(mock) as client:
        for at in times:
            await trio.sleep_until(at)
            codes.append((await client.get(path)).status_code)
    return codes


# Files


def test_the_example_in_the_documents_is_one() -> None:
    """The documented file can be read, has every setting, and makes a working mock."""
    scenario = read_scenario(EXAMPLE)
    usual = Scenario()
    same = {
        field.name
        for field in attrs.fields(Scenario)
        if getattr(scenario, field.name) == getattr(usual, field.name)
    }
    assert same == {"when_full", "failure_share", "admin", "admin_hosts", "epoch"}
    mock = scenario.mock()
    ids = list(mock.truth)
    codes = run_virtual(statuses_at, mock, [0, 1, 2, 700], f"/api/v1/job/{ids[0]}")
    assert codes == [401, 401, 401, 401]
    mock = attrs.evolve(scenario, api_keys=None).mock()
    codes = run_virtual(statuses_at, mock, [0, 1, 2, 700], f"/api/v1/job/{ids[0]}")
    assert codes == [200, 200, 200, 200]
    assert mock.crashes == []


def test_what_a_file_says(tmp_path: Path) -> None:
    """Every kind of setting in a file is read as the one in a program."""
    scenario = read(
        tmp_path,
        """
        seed = 7
        slots = "unlimited"
        run_times = "relax"
        latency = { kind = "lognormal", median = 0.1, sigma = 0.5 }
        failures = { timeout = 0.1, by_type = { describe = { submit = 1.0 } } }
        api_keys = ["mine"]
        epoch = 2026-06-01T00:00:00Z

        [quirks]
        error_body = "nested"

        [[limit]]
        kind = "token-bucket"
        rate = 10

        [[limit]]
        limit = { kind = "concurrency", most = 3 }
        per = "key"
        route = "submit"

        [[faults]]
        kind = "delay"
        seconds = 2

        [[faults]]
        name = "storm"
        fault = { kind = "status", code = 503 }
        when = { route = "job", every = 10 }

        [[jobs]]
        count = 3
        task_type = "describe"

        [[jobs]]
        job_id = "00000000-0000-4000-8000-000000000000"
        script = [["pending", 2], "completed"]
        """,
    )
    assert (scenario.seed, scenario.slots, scenario.api_keys) == (7, None, ("mine",))
    assert scenario.latency == Lognormal(0.1, 0.5)
    assert scenario.quirks == Quirks(error_body="nested")
    assert scenario.limit == (TokenBucket(10), LimitRule(Concurrency(3), "key", "submit"))
    assert scenario.faults == (
        Delay(2.0),
        Rule(Status(503), When(route="job", every=10), name="storm"),
    )
    assert scenario.jobs == (
        Jobs(count=3, task_type="describe"),
        Jobs(
            job_id="00000000-0000-4000-8000-000000000000",
            script=Script([("pending", 2), "completed"]),
        ),
    )
    mock = scenario.mock()
    assert len(mock.truth) == 4
    assert mock.faults.rules[1].name == "storm"
    assert "mine" not in repr(scenario)


def test_a_file_may_be_json(tmp_path: Path) -> None:
    """A file whose name ends in `.json` is read as JSON, which has null."""
    scenario = read(tmp_path, json.dumps({"slots": None, "seed": 7}), "scenario.json")
    assert scenario == Scenario(slots=None, seed=7)


@settings(examples(25), suppress_health_check=[HealthCheck.too_slow])
@given(scenario=worlds())
def test_what_is_written_is_read(
    scenario: Scenario, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any scenario can be written, and is equal when it is read."""
    path = tmp_path_factory.getbasetemp() / "found.json"
    write_scenario(scenario, path)
    assert read_scenario(path) == scenario


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seed = ", "Invalid value (at end of document)"),
        ("sed = 1", "sed is no setting of Scenario; is 'seed' meant?"),
        ("seed = 'x'", "seed must be an integer, not 'x'"),
        ("slots = 0", "slots must be at least 1"),
        ("slots = 'queue'", "slots must be a number, queue@<number> or reject@<number>: queue"),
        ("latency = -1", "latency must be a number of seconds, 0 or more, not -1"),
        ("time_scale = 0", "time_scale must be"),
        ("failure_share = 0.1\nfailures = {submit = 0.1}", "exclude each other"),
        ("run_times = 'slow'", "run_times must be"),
        ("[[faults]]\nkind = 'statu'", "faults[0].kind must be one of"),
        ("[[faults]]\nkind = 'status'", "faults[0].code is missing"),
        (
            "[[faults]]\nfault = {kind = 'stale'}\nwhen = {nth = 0}",
            "faults[0].when.nth must be a whole number, 1 or more, not 0",
        ),
        ("[[jobs]]\ntask_type = 'paint'", "jobs[0].task_type must be one of diffusion,"),
        ("[[jobs]]\ncount = 2\njob_id = 'x'", "jobs[0].job_id must be left out, or count be 1"),
        ("[[jobs]]\njob_id = 'x'\n[[jobs]]\njob_id = 'x'", "jobs can't have the id 'x' twice"),
        (
            "[[faults]]\nname='a'\nfault = {kind='stale'}\n[[faults]]\nname='a'\nfault = {kind='stale'}",
            "'a'",
        ),
        ("[[timeline]]\nat = 5\n[[timeline]]\nat = 5", "timeline must go from one time to a later"),
        (
            "[[timeline]]\nat = inf",
            "timeline[0].at must be a number of seconds, 0 or more, not inf",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    """The error names the file, the place, and what is expected there."""
    with pytest.raises(ScenarioError) as raised:
        read(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / 'scenario.toml'}: ")
    assert problem in str(raised.value)


def test_all_problems_are_reported(tmp_path: Path) -> None:
    """The error has a line for each problem."""
    with pytest.raises(ScenarioError) as raised:
        read(tmp_path, "seed = 'x'\norder = 'lifo'")
    assert len(str(raised.value).splitlines()) == 2


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A file of other bytes is a ScenarioError, a missing file an OSError."""
    path = tmp_path / "scenario.toml"
    path.write_bytes(b"seed = \xff")
    with pytest.raises(ScenarioError, match="can't decode"):
        read_scenario(path)
    with pytest.raises(FileNotFoundError):
        read_scenario(tmp_path / "none.toml")


# Mocks


def test_a_reset_leads_back_to_its_jobs() -> None:
    """The jobs of a scenario survive a reset."""
    mock = Scenario(jobs=(Jobs(count=2), Jobs(script=Script(["processing"])))).mock()
    ids = list(mock.truth)
    mock.add_jobs(5)
    mock.reset()
    assert list(mock.truth) == ids
    assert mock.world.status(ids[2], 0.0) == "processing"


def test_jobs_have_their_callbacks_and_priorities() -> None:
    """Each job of a group has its settings."""
    mock = Scenario(
        order="priority",
        slots=1,
        jobs=(Jobs(count=2), Jobs(priority=5, callback="http://127.0.0.1/hook")),
    ).mock()
    job_id = list(mock.truth)[2]
    job = mock.world.job(job_id, 1.0)
    assert (job.status, job.priority, job.callback) == ("processing", 5, "http://127.0.0.1/hook")
    assert mock.world.counts(1.0) == {"pending": 2, "processing": 1}


def phases(*timeline: Phase, **given: Any) -> MockLegnext:  # noqa: ANN401 - whatever a Scenario takes
    """A mock with this timeline."""
    return Scenario(timeline=timeline, **given).mock()


def test_limits_change_on_the_dot() -> None:
    """Each phase has its own limits, in their first states."""
    mock = phases(
        Phase(at=10, limit=(FixedWindow(2, 1000), LimitRule(FixedWindow(1, 1000), route="job"))),
        Phase(at=20, limit=()),
        limit=(FixedWindow(1, 1000),),
    )
    times = [0.0, 1, 10, 11, 12, 20, 21]
    codes = run_virtual(statuses_at, mock, times, "/api/account/balance")
    assert codes == [200, 429, 200, 200, 429, 200, 200]


def test_the_last_limits_stay() -> None:
    """The last phase has no end."""
    mock = phases(Phase(at=10, limit=(FixedWindow(1, 100),)))
    codes = run_virtual(statuses_at, mock, [0.0, 1, 10, 11, 200, 201], "/api/account/balance")
    assert codes == [200, 200, 200, 429, 200, 429]


def test_faults_change_on_the_dot() -> None:
    """Each phase has its own faults; the window of a rule is cut to its phase."""
    early = Rule(Status(500), When(until=2))
    never = Rule(Status(501), When(until=15))
    mock = phases(
        Phase(at=10, faults=(Rule(Status(502), When(after=12)),)),
        Phase(at=20, faults=(never, Status(503))),
        Phase(at=30, limit=()),
        faults=(early, Rule(Status(504), When(after=5))),
    )
    times = [0.0, 2, 5, 10, 12, 19, 20, 31]
    codes = run_virtual(statuses_at, mock, times, "/api/account/balance")
    assert codes == [500, 200, 504, 200, 502, 502, 503, 503]
    assert never.fault not in [rule.fault for rule in mock.faults.rules]


def test_without_changes_nothing_is_scheduled() -> None:
    """Without a timeline, limits and faults are unchanged."""
    mock = phases(limit=(TokenBucket(1),), faults=(Reset(),))
    assert mock.limits == (LimitRule(TokenBucket(1)),)
    assert [rule.fault for rule in mock.faults.rules] == [Reset()]
    assert [rule.when for rule in mock.faults.rules] == [When()]
    changing = phases(Phase(at=5, limit=()), limit=(TokenBucket(1),))
    assert isinstance(changing.limits[0].limit, Scheduled)


def test_the_same_scenario_is_the_same_every_time() -> None:
    """Two mocks of one scenario answer the same requests with the same journal."""

    async def submit_and_ask(mock: MockLegnext) -> bytes:
        async with client_of(mock) as client:
            for number in range(20):
                await client.post(POST, json={"text": f"a {number}"})
                await client.get(f"/api/v1/job/{next(iter(mock.truth))}")
                await trio.sleep(1)
        return mock.requests.dump()

    scenario = Scenario(
        seed=3,
        latency=Lognormal(0.2, 1),
        limit=(TokenBucket(1, 3),),
        faults=(Rule(Status(503), When(probability=0.3)),),
        jobs=(Jobs(count=3),),
    )
    first, second = (run_virtual(submit_and_ask, scenario.mock()) for _ in range(2))
    assert first == second
    assert b'"status_code":503' in first


@pytest.mark.parametrize(
    "error",
    [
        PlainError(["slots must be 1 or more, not 0", "seed must be an integer, not 'x'"]),
        ScenarioError(Path("storm.toml"), ["slots must be 1 or more", "seed must be an integer"]),
    ],
)
def test_errors_cross_processes(error: PlainError | ScenarioError) -> None:
    """Pickled or copied, an error says the same."""
    for arrived in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301 - our own
        assert (type(arrived), str(arrived)) == (type(error), str(error))
        assert vars(arrived) == vars(error)
