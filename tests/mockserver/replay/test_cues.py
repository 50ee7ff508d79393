"""What a replay does with each request."""

from __future__ import annotations

import pytest

from mockserver._faults.connection import EmptyAnswer, Reset, Silence
from mockserver._replay import Exchange, jobs_of
from mockserver._replay.cues import Cues, asked
from tests.mockserver.replay.test_reading import answer, job, transcript


def cues_of(*exchanges: Exchange) -> Cues:
    """The cues of these exchanges."""
    recorded = transcript(*exchanges)
    return Cues(recorded, jobs_of(recorded))


def test_requests_are_known_again() -> None:
    """Requests match by method, path and parameters in any order; forms by path alone."""
    assert asked("POST", "/a", b'{"a": 1, "b": 2}') == asked("POST", "/a", b'{"b":2,"a":1}')
    assert asked("POST", "/a", b'{"a":1}') != asked("POST", "/a", b'{"a":2}')
    assert asked("POST", "/a", b"") != asked("GET", "/a", b"")
    assert asked("POST", "/a", b"--boundary\xff") == asked("POST", "/a", b"")


def test_each_is_given_once() -> None:
    """Cues come in the order of the recording, each once; the count can be restored."""
    cues = cues_of(
        answer(0, b"", status_code=429), answer(1, b"", status_code=503), answer(2, b"<html>")
    )
    key = asked("GET", "/api/v1/job/a", b"")
    before = cues.snapshot()
    codes = [cue.exchange.status_code for _ in range(3) if (cue := cues.take(key))]
    assert codes == [429, 503, 200]
    assert cues.take(key) is None
    assert cues.take(asked("GET", "/api/v1/job/b", b"")) is None
    cues.restore(before)
    cue = cues.take(key)
    assert cue is not None
    assert cue.exchange.status_code == 429


COMPLETED = job("completed", output={"image_url": "http://a/b.png"})


@pytest.mark.parametrize(
    ("body", "is_world_s"),
    [
        (job("pending"), True),
        (job("processing"), True),
        (COMPLETED, True),
        (job("completed", output={"image_url": "", "image_urls": None}), False),
        (job("completed", output=None), False),
        (b"no JSON", False),
    ],
)
def test_what_a_script_says_is_left_to_the_world(body: object, *, is_world_s: bool) -> None:
    """An answer that follows from the job's script isn't taken from the recording."""
    cue = cues_of(answer(0, body)).take(asked("GET", "/api/v1/job/a", b""))
    assert cue is not None
    assert cue.as_recorded is not is_world_s


def test_answers_out_of_the_order_of_a_life() -> None:
    """A stale or mislabelled answer is given as recorded."""
    seen = [answer(0, job("processing")), answer(1, job("pending")), answer(2, job("processing"))]
    cues = cues_of(*seen)
    key = asked("GET", "/api/v1/job/a", b"")
    given = [cue.as_recorded for _ in seen if (cue := cues.take(key))]
    assert given == [False, True, False]
    html = Exchange(
        at=0,
        answered_at=0,
        ended_at=0,
        method="GET",
        path="/api/v1/job/a",
        status_code=200,
        headers=(("content-type", "text/html"),),
        body=b'{"job_id":"a","status":"pending"}',
    )
    cue = cues_of(html).take(key)
    assert cue is not None
    assert cue.as_recorded


def test_a_job_object_from_elsewhere() -> None:
    """A job object that isn't from a status request is given as recorded."""
    odd = Exchange(
        at=0,
        answered_at=0,
        ended_at=0,
        method="GET",
        path="/elsewhere",
        status_code=200,
        body=b'{"job_id":"a","status":"pending"}',
    )
    cue = cues_of(odd).take(asked("GET", "/elsewhere", b""))
    assert cue is not None
    assert cue.as_recorded


def test_submits() -> None:
    """A submit is answered as recorded, and makes its job; only the first one does."""
    cues = cues_of(
        answer(1, job("pending"), method="POST"),
        answer(2, job("pending"), method="POST"),
        answer(3, b"", method="POST", status_code=429),
    )
    taken = [cues.take(asked("POST", "/api/v1/diffusion", b"")) for _ in range(3)]
    made = [cue.job.job_id if cue and cue.job else None for cue in taken]
    assert made == ["a", None, None]
    assert all(cue and cue.as_recorded for cue in taken)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ("ReadTimeout", Silence()),
        ("ReadError", Reset()),
        ("WriteError", Reset()),
        ("RemoteProtocolError", EmptyAnswer()),
        ("Cancelled", None),
        ("", None),
    ],
)
def test_broken_connections(error: str, fault: object) -> None:
    """The recorded error decides the fault of the connection."""
    exchange = Exchange(at=0, ended_at=1, method="GET", path="/api/v1/job/a", error=error)
    cue = cues_of(exchange).take(asked("GET", "/api/v1/job/a", b""))
    assert cue is not None
    assert (cue.fault, cue.seconds, cue.as_recorded) == (fault, 0.0, False)


@pytest.mark.parametrize("error", ["ConnectError", "ConnectTimeout", "PoolTimeout"])
def test_requests_that_never_arrived(error: str) -> None:
    """A request that the server never saw has no cue."""
    exchange = Exchange(at=0, ended_at=1, method="GET", path="/api/v1/job/a", error=error)
    assert cues_of(exchange).take(asked("GET", "/api/v1/job/a", b"")) is None
