"""Faults of state, as a client meets them. They never change the truth."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from mockserver import (
    AnswerLost,
    EmptyOutput,
    Flapping,
    MalformedJson,
    MockLegnext,
    NotYetFound,
    Quirks,
    Regression,
    Rule,
    Script,
    Stale,
    Status,
    UnknownStatus,
    Vanished,
    When,
    WrongJob,
    run_virtual,
)
from mockserver._faults import Fault
from tests.mockserver.faults.support import ask, reported, submit
from tests.mockserver.helpers import POST, client_of

LIFE = Script([("pending", 10), ("staged", 10), ("processing", 10), "completed"])
TIMES = (5, 15, 25, 35, 45, 55)
TRUE = ["pending", "staged", "processing", "completed", "completed", "completed"]


def _mock(*faults: Rule | Fault, script: Script = LIFE) -> tuple[MockLegnext, str]:
    mock = MockLegnext(faults=faults)
    return mock, mock.add_job(script, job_id="j")


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        (Stale(10), ["pending", "pending", "staged", "processing", "completed", "completed"]),
        (Stale(1000), ["pending"] * 6),
        (Stale(0), TRUE),
        (Regression(), ["pending", "pending", "staged", *["processing"] * 3]),
        (Regression("pending"), ["pending"] * 6),
        (Regression("retry"), ["pending", *["retry"] * 5]),
        (Flapping(), [*TRUE[:4], "processing", "completed"]),
        (Flapping("pending"), [*TRUE[:4], "pending", "completed"]),
        (UnknownStatus(), ["upscaling"] * 6),
        (UnknownStatus("?"), ["?"] * 6),
        (NotYetFound(polls=2), [404, 404, *TRUE[2:]]),
        (NotYetFound(seconds=25), [404, 404, *TRUE[2:]]),
        (NotYetFound(seconds=0), TRUE),
        (Vanished(), [404] * 6),
        (Vanished(40), [*TRUE[:4], 404, 404]),
    ],
    ids=str,
)
def test_what_is_reported_of_a_job(fault: Fault, statuses: list[str | int]) -> None:
    """A client gets a wrong status, and the truth is unchanged."""
    mock, job_id = _mock(fault)
    assert reported(mock, job_id, TIMES) == statuses
    assert [status for _, status in mock.truth[job_id]] == TRUE[:4]
    assert reported(*_mock(), TIMES) == TRUE
    assert not mock.crashes


def test_a_stale_job_is_reported_as_it_was() -> None:
    """The whole job is reported as it was, with its times and output."""
    mock, job_id = _mock(Rule(Stale(20), When(nth=2)))
    now, stale = (answer.json() for answer in ask(mock, f"/api/v1/job/{job_id}", (35, 45)))
    assert now["output"]["image_urls"]
    assert stale["status"] == "processing"
    assert not stale["output"]["image_urls"]
    assert stale["meta"]["ended_at"] == "0001-01-01T00:00:00Z"
    assert stale["meta"]["started_at"] == now["meta"]["started_at"]


@pytest.mark.parametrize("fault", [Regression("processing"), Flapping("staged")], ids=str)
def test_a_job_that_failed_goes_back_without_its_error(fault: Regression | Flapping) -> None:
    """A failed job that is reported as unfinished has no error and no end."""
    mock, job_id = _mock(fault, script=Script([("pending", 1), "failed"]))
    _, again = (answer.json() for answer in ask(mock, f"/api/v1/job/{job_id}", (5, 6)))
    assert again["status"] == fault.to
    assert again["error"]["code"] == 0
    assert again["meta"]["ended_at"] == "0001-01-01T00:00:00Z"


def test_a_job_that_is_born_at_its_end_has_nowhere_to_go() -> None:
    """A job that never had another status is reported as it is."""
    for fault in (Regression(), Flapping(), Regression("pending")):
        mock, job_id = _mock(fault, script=Script(["completed"]))
        assert reported(mock, job_id, (1, 2)) == ["completed", "completed"]


def test_a_job_is_not_found_for_a_while_by_each() -> None:
    """Polls are counted for each job separately."""
    mock = MockLegnext(faults=[NotYetFound(polls=1)])
    ids = mock.add_jobs(2)

    async def main() -> list[int]:
        async with client_of(mock) as client:
            return [(await client.get(f"/api/v1/job/{job_id}")).status_code for job_id in ids * 2]

    assert run_virtual(main) == [404, 404, 200, 200]


def test_a_job_that_is_not_found_looks_like_none() -> None:
    """A vanished job is answered as a job that never existed."""
    mock, job_id = _mock(Vanished())
    gone, never = (ask(mock, f"/api/v1/job/{each}")[0] for each in (job_id, "never"))
    assert (gone.status_code, gone.content) == (never.status_code, never.content)


def test_the_wrong_job() -> None:
    """The answer is a complete one about another job."""
    mock = MockLegnext(faults=[Rule(WrongJob(), When(nth=2))])
    first, second = mock.add_jobs(2)
    right, wrong = (answer.json() for answer in ask(mock, f"/api/v1/job/{first}", (50, 50)))
    (other,) = ask(mock, f"/api/v1/job/{second}")
    assert right["job_id"] == first
    assert wrong == other.json()


def test_a_wrong_job_that_is_named() -> None:
    """The other job can be chosen."""
    mock = MockLegnext()
    ids = mock.add_jobs(3)
    mock._service.faults.add(WrongJob(ids[2]))
    for asked in ids[:2]:
        assert ask(mock, f"/api/v1/job/{asked}")[0].json()["job_id"] == ids[2]


@pytest.mark.parametrize(("named", "is_reported"), [(None, False), ("nobody", True), ("j", True)])
def test_a_wrong_job_that_does_not_exist(named: str | None, is_reported: bool) -> None:  # noqa: FBT001 - a table's column
    """Without another job, the id is unused, or the one given."""
    mock, job_id = _mock(WrongJob(named))
    wrong = ask(mock, f"/api/v1/job/{job_id}")[0].json()["job_id"]
    assert (wrong == named) == is_reported
    assert named == job_id or wrong not in mock.world


@pytest.mark.parametrize(
    ("task", "full"),
    [("diffusion", "image_urls"), ("video-diffusion", "video_urls"), ("describe", "prompts")],
)
def test_an_empty_output(task: str, full: str) -> None:
    """A completed job's output has all its fields, all of them empty."""
    mock = MockLegnext()
    job_id = mock.add_job(LIFE, task)
    before = ask(mock, f"/api/v1/job/{job_id}", (25, 35))
    mock._service.faults.add(EmptyOutput())
    (after,) = (answer.json() for answer in ask(mock, f"/api/v1/job/{job_id}"))
    assert before[1].json()["output"][full]
    assert after["status"] == "completed"
    assert set(after["output"]) == set(before[1].json()["output"])
    assert not any(after["output"].values())
    assert after | {"output": None} == before[1].json() | {"output": None}


@pytest.mark.parametrize("path", ["/api/v1/job/j", "/api/v1/job/none", "/api/account/balance"])
def test_answers_without_an_output(path: str) -> None:
    """Answers without an output aren't changed."""
    plain, faulty = _mock()[0], _mock(EmptyOutput())[0]
    assert ask(plain, path)[0].content == ask(faulty, path)[0].content
    page, _ = _mock(Status(503, "html"), EmptyOutput())
    assert ask(page, path)[0].text.startswith("<html>")


def test_an_empty_output_in_another_shape() -> None:
    """Values that aren't strings, lists or objects aren't changed."""
    mock = MockLegnext(quirks=Quirks(extra_fields=True), faults=[EmptyOutput()])
    job_id = mock.add_job(LIFE, "describe")
    output = ask(mock, f"/api/v1/job/{job_id}", (35,))[0].json()["output"]
    assert output["image_urls"] is None


def test_an_answer_that_is_lost() -> None:
    """A submit makes its job, and the client gets no answer."""
    mock = MockLegnext(faults=[Rule(AnswerLost(), When(route="submit"), "lost")])
    with pytest.raises(httpx.RemoteProtocolError):
        submit(mock)
    (record,) = mock.requests
    (job_id,) = mock.truth
    assert (record.status_code, record.job_id, record.faults) == (200, job_id, ("lost",))
    assert ask(mock, f"/api/v1/job/{job_id}")[0].status_code == 200
    assert not mock.crashes


def test_an_answer_that_is_lost_over_a_socket() -> None:
    """The same over a socket."""
    mock = MockLegnext(faults=[Rule(AnswerLost(), When(route="submit"))])

    async def main() -> None:
        headers = {"x-api-key": "key"}
        async with mock.serve() as url, httpx.AsyncClient(base_url=url, headers=headers) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(POST, json={"text": "a"})

    trio.run(main)
    assert len(mock.world) == 1


# Composition


@pytest.mark.parametrize(
    ("faults", "statuses"),
    [
        # Each is told what the one before it has told.
        ([Stale(10), UnknownStatus("lost")], ["lost"] * 4),
        ([Regression("retry"), Stale(10)], ["pending", "pending", "staged", "processing"]),
        ([Vanished(30), NotYetFound(polls=1)], [404, *TRUE[1:3], 404]),
        ([Status(500), Vanished()], [500] * 4),
    ],
    ids=str,
)
def test_faults_of_state_compose(faults: list[Fault], statuses: list[str | int]) -> None:
    """Several faults mislead one after the other; one that replaces the answer comes first."""
    assert reported(*_mock(*faults), TIMES[:4]) == statuses


def test_a_fault_of_state_and_damage() -> None:
    """A misleading answer can be damaged too."""
    mock, job_id = _mock(UnknownStatus("lost"), MalformedJson())
    (answer,) = ask(mock, f"/api/v1/job/{job_id}")
    assert b'"status":"lost"' in answer.content
    assert answer.content.endswith(b",}")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Stale(-1), "seconds must be"),
        (lambda: Vanished(float("nan")), "after must be"),
        (lambda: UnknownStatus(""), "word"),
        (NotYetFound, "either polls or seconds"),
        (lambda: NotYetFound(1, 1.0), "either polls or seconds"),
        (lambda: NotYetFound(polls=0), "polls"),
        (lambda: NotYetFound(seconds=-1), "seconds must be"),
    ],
)
def test_impossible_settings_are_refused(make: Any, complaint: str) -> None:  # noqa: ANN401 - a callable
    """Impossible settings are errors."""
    with pytest.raises(ValueError, match=complaint):
        make()
