"""Replaying the recording of a mock."""

from __future__ import annotations

import tempfile
from pathlib import Path

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Fixed, Lognormal, MockLegnext, Script, TokenBucket, run_virtual
from mockserver._api.hints import Hints
from mockserver._faults import Rule, When
from mockserver._faults.connection import Close, EmptyAnswer, Reset, Silence
from mockserver._faults.http import (
    Delay,
    HtmlPage,
    MalformedJson,
    Oversized,
    Redirect,
    Status,
    Truncated,
    WrongContentType,
)
from mockserver._faults.state import (
    EmptyOutput,
    NotYetFound,
    Regression,
    Stale,
    UnknownStatus,
    WrongJob,
)
from mockserver._replay import Recorder, jobs_of, read_transcript, replaying
from mockserver._replay.cues import Cues
from mockserver._replay.playback import Playback
from tests.effort import examples
from tests.mockserver.helpers import POST
from tests.mockserver.replay.recording import batch, client_to, record, replay


def both_journals(mock: MockLegnext, jobs: int = 4) -> tuple[MockLegnext, MockLegnext]:
    """Record a batch against a mock, and replay it against another; return both."""
    with tempfile.TemporaryDirectory() as folder:
        transcript = record(mock, Path(folder) / "night.jsonl", jobs)
    other = replaying(transcript)
    replay(transcript, other)
    return mock, other


@examples(10)
@given(
    seed=st.integers(0, 999),
    slots=st.integers(1, 6),
    share=st.floats(0, 1),
    rate=st.sampled_from([0.2, 0.5, 2.0]),
    burst=st.integers(1, 4),
    form=st.sampled_from(["seconds", "date", "zero", "malformed", "none"]),
)
def test_the_same_journal_byte_for_byte(
    seed: int, slots: int, share: float, rate: float, burst: int, form: str
) -> None:
    """The same requests at the same times leave the same journal."""
    mock = MockLegnext(
        seed,
        slots,
        failure_share=share,
        limit=TokenBucket(rate, burst),
        hints=Hints(retry_after=form),  # type: ignore[arg-type]
        latency=Lognormal(0.2, 0.5),
    )
    first, second = both_journals(mock)
    assert len(first.requests) > 10
    assert second.requests.dump() == first.requests.dump()


HTTP_FAULTS = [
    Delay(1.5),
    Status(503, headers={"retry-after": "7"}),
    Status(402),
    HtmlPage(),
    WrongContentType(),
    Truncated(),
    MalformedJson(),
    WrongJob(),
    Oversized(2_000_000),
    Redirect(),
    Stale(20.0),
    Regression(),
    UnknownStatus("upscaling"),
    EmptyOutput(),
    NotYetFound(polls=2),
]


@pytest.mark.parametrize("fault", HTTP_FAULTS, ids=lambda fault: type(fault).__name__)
def test_the_same_journal_with_faults(fault: object) -> None:
    """Faults happen again to the same requests, without the rules that caused them."""
    mock = MockLegnext(
        5,
        2,
        failure_share=0.3,
        limit=TokenBucket(1, burst=3),
        latency=Lognormal(0.2, 0.5),
        # Of a submit whose answer was damaged, nobody but the server knows which job it made.
        faults=[Rule(fault, When(route="job", every=3))],  # type: ignore[arg-type]
    )
    first, second = both_journals(mock)
    first.requests.assert_count(at_least=10)
    assert any(record.faults for record in first.requests)
    assert second.requests.dump(without=["faults"]) == first.requests.dump(without=["faults"])


@pytest.mark.parametrize(
    "fault", [Reset(), EmptyAnswer(), Close(50), Silence()], ids=lambda fault: type(fault).__name__
)
def test_the_same_journal_with_connection_faults(fault: object) -> None:
    """Connections break again at the same requests, with the same errors for the client."""
    mock = MockLegnext(5, 2, faults=[Rule(fault, When(route="job", every=4))])  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        first = record(mock, Path(folder) / "first.jsonl")
        other = replaying(first)
        second = record(other, Path(folder) / "second.jsonl")
    assert [exchange.error for exchange in first.exchanges if exchange.error]
    # A timed-out request is sent once more by the batch, so times are equal all through.
    assert other.requests.dump(without=["faults"]) == mock.requests.dump(without=["faults"])
    assert [e.error for e in second.exchanges] == [e.error for e in first.exchanges]


def test_a_batch_runs_again(tmp_path: Path) -> None:
    """A program that submits the same prompts at another pace gets the same jobs and ends."""
    mock = MockLegnext(3, 2, failure_share=0.5)
    transcript = record(mock, tmp_path / "night.jsonl")
    again = replaying(transcript)

    async def other_pace() -> dict[str, str]:
        ends = {}
        async with client_to(again) as client:
            for number in range(6):
                answer = await client.post(POST, json={"text": f"prompt {number}"})
                job_id = answer.json()["job_id"]
                await trio.sleep(2000)
                job = (await client.get(f"/api/v1/job/{job_id}")).json()
                ends[job_id] = job["status"]
                if job["status"] == "failed":
                    assert job["error"]["message"]
        return ends

    ends = run_virtual(other_pace)
    assert ends == {job_id: changes[-1].status for job_id, changes in mock.truth.items()}
    assert set(ends.values()) == {"completed", "failed"}


def test_what_the_recording_does_not_know(tmp_path: Path) -> None:
    """Other prompts make new jobs, and further polls of a recorded job are answered."""
    mock = MockLegnext(3, run_times=Fixed(30))
    again = replaying(record(mock, tmp_path / "night.jsonl", jobs=1))

    async def more() -> None:
        async with client_to(again) as client:
            new = (await client.post(POST, json={"text": "never asked"})).json()["job_id"]
            assert new not in mock.truth
            for _ in range(20):
                await client.get(f"/api/v1/job/{new}")
            invalid = await client.post(POST, json={"text": ""})
            assert invalid.status_code == 400
            long = await client.post(POST, content=b" " * 1_500_000)
            assert long.status_code in {400, 413}

    run_virtual(more)
    assert not again.crashes


def test_a_job_that_is_there_already(tmp_path: Path) -> None:
    """A submit whose job was added by hand returns that job as it is."""
    mock = MockLegnext(3)
    again = replaying(record(mock, tmp_path / "night.jsonl", jobs=1))
    (job_id,) = mock.truth
    again.add_job(Script(["processing"]), job_id=job_id)

    async def submit() -> list[str]:
        async with client_to(again) as client:
            made = (await client.post(POST, json={"text": "prompt 0"})).json()["job_id"]
            await trio.sleep(2000)
            return [made, (await client.get(f"/api/v1/job/{made}")).json()["status"]]

    assert run_virtual(submit) == [job_id, "processing"]


def test_refusals_come_again_whenever_asked(tmp_path: Path) -> None:
    """A refusal is tied to its request, not to its time."""
    mock = MockLegnext(limit=TokenBucket(0.5, burst=1))
    transcript = record(mock, tmp_path / "night.jsonl", jobs=2)
    refused = [e for e in transcript.exchanges if e.status_code == 429]
    again = replaying(transcript)

    async def slowly() -> list[httpx.Response]:
        async with client_to(again) as client:
            answers = []
            for number in range(2):
                await trio.sleep(100)
                answers.append(await client.post(POST, json={"text": f"prompt {number}"}))
            return answers

    answers = run_virtual(slowly)
    codes = {answer.status_code: answer for answer in answers}
    assert set(codes) == {200, 429}
    assert codes[429].headers["retry-after"] == refused[0].header("retry-after")
    assert codes[429].json()["code"] == 429


def test_jobs_that_were_there_before(tmp_path: Path) -> None:
    """Jobs that the recording only asks about exist from the start."""
    mock = MockLegnext(run_times=Fixed(30))
    (job_id,) = mock.add_jobs(1)

    async def ask() -> None:
        async with client_to(mock, Recorder(tmp_path / "a.jsonl", mock.transport())) as client:
            for _ in range(4):
                await client.get(f"/api/v1/job/{job_id}")
                await trio.sleep(12)

    run_virtual(ask)
    transcript = read_transcript(tmp_path / "a.jsonl")
    again = replaying(transcript)
    assert list(again.truth) == [job_id]
    replay(transcript, again)
    assert again.requests.dump() == mock.requests.dump()


def test_settings_can_be_given(tmp_path: Path) -> None:
    """A setting of `MockLegnext` replaces what the recording says."""
    mock = MockLegnext(3, 2, run_times=Fixed(30))
    again = replaying(record(mock, tmp_path / "night.jsonl", jobs=1), seed=9, slots=5)
    assert (again.world.seed, again.world.slots) == (9, 5)


def test_reset_begins_the_recording_anew(tmp_path: Path) -> None:
    """After a reset, the same requests get the same answers again."""
    mock = MockLegnext(4, limit=TokenBucket(0.5, burst=2))
    transcript = record(mock, tmp_path / "night.jsonl")
    again = replaying(transcript)
    replay(transcript, again)
    assert again.requests.dump() == mock.requests.dump()
    again.reset()
    replay(transcript, again)
    assert again.requests.dump() == mock.requests.dump()


def test_callbacks_are_told(tmp_path: Path) -> None:
    """A submit that is repeated with a callback makes a job with that callback."""
    mock = MockLegnext()

    async def submit(target: MockLegnext, transport: httpx.AsyncBaseTransport) -> None:
        async with client_to(target, transport) as client:
            body = {"text": "a", "callback": "http://127.0.0.1:9/told?token=1"}
            assert (await client.post(POST, json=body)).status_code == 200

    run_virtual(submit, mock, Recorder(tmp_path / "a.jsonl", mock.transport()))
    again = replaying(read_transcript(tmp_path / "a.jsonl"))
    run_virtual(submit, again, again.transport())
    (job_id,) = again.truth
    assert again.world.job(job_id, again.now).callback == "http://127.0.0.1:9/told?token=1"


def test_a_server_that_cannot_break_connections(tmp_path: Path) -> None:
    """Under another ASGI server, a connection fault is a 500 with the reason."""
    mock = MockLegnext(faults=[Rule(Reset(), When(nth=1))])
    again = replaying(record(mock, tmp_path / "night.jsonl", jobs=1))

    async def submit() -> httpx.Response:
        async with client_to(again, httpx.ASGITransport(again.app)) as client:
            return await client.post(POST, json={"text": "prompt 0"})

    answer = run_virtual(submit)
    assert answer.status_code == 500
    assert "can't apply faults" in answer.text


def test_a_client_that_leaves_takes_no_cue(tmp_path: Path) -> None:
    """A submit with an incomplete body uses no cue."""
    transcript = record(MockLegnext(), tmp_path / "night.jsonl", jobs=1)
    again = replaying(transcript)
    cues = Cues(transcript, jobs_of(transcript))
    passed = []

    async def routes(scope: object, receive: object, send: object) -> None:  # noqa: ARG001 - ASGI's signature
        passed.append([await receive(), await receive()])  # type: ignore[operator]

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message: object) -> None:
        raise AssertionError(message)

    parts: list[dict[str, object]] = [
        {"type": "http.request", "body": b'{"text"', "more_body": True},
        {"type": "http.disconnect"},
    ]
    messages = iter(parts)
    scope = {"type": "http", "method": "POST", "path": POST, "headers": []}
    run_virtual(Playback(routes, again._service, cues), scope, receive, send)
    assert [message["type"] for message in passed[0]] == ["http.request", "http.disconnect"]
    assert len(again.world) == 0


def test_what_is_no_request_passes(tmp_path: Path) -> None:
    """ASGI events that aren't requests pass to the routes."""
    transcript = record(MockLegnext(), tmp_path / "night.jsonl", jobs=1)
    again = replaying(transcript)
    cues = Cues(transcript, jobs_of(transcript))
    passed = []

    async def routes(scope: object, receive: object, send: object) -> None:  # noqa: ARG001 - ASGI's signature
        passed.append(scope)

    run_virtual(Playback(routes, again._service, cues), {"type": "lifespan"}, None, None)
    assert passed == [{"type": "lifespan"}]


def test_a_batch_drives_both_alike(tmp_path: Path) -> None:
    """The recorded program gets the same answers from the replay."""
    mock = MockLegnext(8, 2, failure_share=0.3, limit=TokenBucket(1, 2), latency=0.25)
    transcript = record(mock, tmp_path / "night.jsonl")
    again = replaying(transcript)

    async def run() -> None:
        async with client_to(again) as client:
            await batch(client, 6)

    run_virtual(run)
    assert again.requests.dump() == mock.requests.dump()
