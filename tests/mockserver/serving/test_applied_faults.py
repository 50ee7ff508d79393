"""What faults do to requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mockserver import (
    Close,
    Concurrency,
    Delay,
    Dribble,
    EmptyAnswer,
    ErrorEnvelope,
    MalformedJson,
    MockLegnext,
    Oversized,
    Redirect,
    Reset,
    Rule,
    SlidingWindow,
    Status,
    Truncated,
    When,
    WrongContentType,
    run_virtual,
)
from mockserver._faults import ConnectionFault, Fault
from mockserver._serving.applied_faults import damaging
from tests.mockserver.faults.support import ask, submit
from tests.mockserver.helpers import POST, client_of

if TYPE_CHECKING:
    from starlette.types import Message, Scope

BALANCE = "/api/account/balance"


class _Foreign(httpx.ASGITransport):
    """A server that isn't the mock's own; it may have a connection that records faults."""

    def __init__(self, mock: MockLegnext, line: object = None) -> None:
        async def app(scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own
            if line is not None:
                scope["extensions"] = {"legnext_mock.connection": line}
            await mock.app(scope, receive, send)

        super().__init__(app)


class _Connection:
    def __init__(self) -> None:
        self.faults: list[ConnectionFault] = []

    def fail_with(self, fault: ConnectionFault) -> None:
        self.faults.append(fault)


def _get(mock: MockLegnext, transport: httpx.AsyncBaseTransport) -> httpx.Response:
    async def main() -> httpx.Response:
        async with client_of(mock, transport=transport) as client:
            return await client.get(BALANCE)

    return run_virtual(main)


# Together


def test_the_first_that_replaces_wins() -> None:
    """Of several that replace the answer the first does; the journal names all."""
    mock = MockLegnext(faults=[Rule(Status(503), When(nth=2)), ErrorEnvelope(), Redirect()])
    first, second = ask(mock, BALANCE, (0, 1))
    assert (first.status_code, first.json()["code"]) == (200, 500)
    assert second.status_code == 503
    assert [record.faults for record in mock.requests] == [
        ("error-envelope", "redirect"),
        ("status", "error-envelope", "redirect"),
    ]


def test_delay_replacement_and_damage() -> None:
    """A delay, a replacement and damages combine."""
    faults: list[Fault] = [
        WrongContentType("text/plain"),
        Delay(3),
        Status(500, "html"),
        Truncated(0.5),
        Oversized(1000),
    ]
    mock = MockLegnext(faults=faults)
    (answer,) = ask(mock, BALANCE)
    page = (ask(MockLegnext(faults=[Status(500, "html")]), BALANCE)[0]).content
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "text/plain"
    assert answer.content == (page[: len(page) // 2]).ljust(1000)
    assert mock.requests[0].answered_at == 3


def test_damage_and_the_connection() -> None:
    """A damaged answer can also be cut by the connection."""
    mock = MockLegnext(faults=[Oversized(5000), Close(after_bytes=1000)])
    with pytest.raises(httpx.RemoteProtocolError):
        ask(mock, BALANCE)
    assert mock.requests[0].status_code == 200
    dribbled = MockLegnext(faults=[MalformedJson(), Dribble(50, 1.0)])
    assert ask(dribbled, BALANCE)[0].content.endswith(b",}")


@pytest.mark.parametrize(("fault", "jobs"), [(Reset(), 1), (Status(503), 0)], ids=str)
def test_what_breaks_and_what_replaces(fault: Fault, jobs: int) -> None:
    """A broken connection only loses the answer; a replaced route isn't called."""
    mock = MockLegnext(faults=[fault])
    if isinstance(fault, Reset):
        with pytest.raises(httpx.ReadError):
            submit(mock)
    else:
        submit(mock)
    assert len(mock.world) == jobs


def test_the_apis_own_refusals_are_damaged_too() -> None:
    """Errors of the API are damaged too: 401, 404 and 429."""
    mock = MockLegnext(faults=[MalformedJson()], limit=SlidingWindow(1, 60), api_keys=["key"])

    async def main() -> list[tuple[int, bytes]]:
        async with client_of(mock) as client:
            answers = [
                await client.get(BALANCE, headers={"x-api-key": "?"}),
                await client.get("/nowhere"),
                await client.get(BALANCE),
            ]
            return [(answer.status_code, answer.content[-2:]) for answer in answers]

    assert run_virtual(main) == [(401, b",}"), (404, b",}"), (429, b",}")]


def test_what_is_replaced_is_counted_by_the_limits() -> None:
    """Limits count a replaced request, but its answer does not report them."""
    mock = MockLegnext(
        faults=[Rule(Status(503), When(nth=1)), Rule(Status(502), When(nth=3))],
        limit=SlidingWindow(1, 60),
    )
    answers = ask(mock, BALANCE, (0, 1, 2))
    assert [answer.status_code for answer in answers] == [503, 429, 502]
    assert ["retry-after" in answer.headers for answer in answers] == [False, True, False]
    assert [record.retry_after for record in mock.requests] == [None, 59, None]


def test_a_place_is_given_back_after_a_fault() -> None:
    """A request with faults is in progress only until its answer."""
    mock = MockLegnext(faults=[Delay(1), Status(500)], limit=Concurrency(1))
    codes = [answer.status_code for answer in ask(mock, BALANCE, (0, 5, 10))]
    assert codes == [500, 500, 500]


def test_the_head_alone() -> None:
    """A damaged answer to HEAD has no body."""

    async def main() -> httpx.Response:
        async with client_of(MockLegnext(faults=[Oversized(500)])) as client:
            return await client.head(BALANCE)

    answer = run_virtual(main)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "500"


def test_what_is_about_the_mock_meets_no_faults() -> None:
    """The admin routes and the description have no faults."""
    mock = MockLegnext(faults=[Status(500)])
    for path in ("/__admin/truth", "/openapi.json"):
        assert ask(mock, path)[0].status_code == 200
    assert not mock.requests


# Servers


def test_a_server_that_cant_do_a_fault_says_so() -> None:
    """Under another server, faults of HTTP work, and connection faults are a 500."""
    mock = MockLegnext(faults=[Rule(EmptyAnswer(), When(nth=2)), Oversized(5000)])
    first, second = (_get(mock, _Foreign(mock)) for _ in range(2))
    assert (first.status_code, len(first.content)) == (200, 5000)
    assert second.status_code == 500
    assert "this server can't apply faults" in second.json()["raw_message"]
    assert [record.status_code for record in mock.requests] == [200, 500]


def test_the_server_is_told_of_all_faults() -> None:
    """The server gets the connection faults in order, before the answer."""
    line = _Connection()
    mock = MockLegnext(faults=[Dribble(), Delay(1), Close(5)])
    answer = _get(mock, _Foreign(mock, line))
    assert answer.status_code == 200
    assert line.faults == [Dribble(), Close(5)]


def test_damage_needs_the_whole_answer() -> None:
    """An answer in pieces is damaged as a whole."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        hold = damaging((Truncated(0.5),), send)
        headers = [(b"content-length", b"8"), (b"x", b"y")]
        await hold({"type": "http.response.start", "status": 200, "headers": headers})
        await hold({"type": "http.response.body", "body": b"1234", "more_body": True})
        await hold({"type": "http.response.body", "body": b"5678"})

    run_virtual(main)
    assert sent == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"x", b"y"), (b"content-length", b"4")],
        },
        {"type": "http.response.body", "body": b"1234", "more_body": False},
    ]


def test_spaces_come_in_pieces() -> None:
    """Padding is sent in pieces, however large it is."""
    sizes: list[int] = []

    async def send(message: Message) -> None:
        sizes.append(len(message.get("body", b"")))

    async def main() -> None:
        damaged = damaging((Oversized(200_004),), send)
        await damaged({"type": "http.response.start", "status": 200, "headers": []})
        await damaged({"type": "http.response.body", "body": b"1234"})

    run_virtual(main)
    assert sum(sizes) == 200_004
    assert max(sizes) == 65_536


# Determinism


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_meets_the_same_faults(seed: int) -> None:
    """Two runs of one seed have equal journals."""

    def run() -> bytes:
        mock = MockLegnext(
            seed,
            faults=[
                Rule(Status(503), When(probability=0.3)),
                Rule(Delay(0.5), When(probability=0.3)),
                Rule(Truncated(), When(probability=0.3, route="job")),
            ],
        )
        ids = mock.add_jobs(5)

        async def main() -> None:
            async with client_of(mock) as client:
                for job_id in ids * 6:
                    await client.get(f"/api/v1/job/{job_id}")
                await client.post(POST, json={"text": "a"})

        run_virtual(main)
        return mock.requests.dump()

    assert run() == run()
