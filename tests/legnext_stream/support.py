"""What the library's tests share: answers, a driver for the tracker, and networks in memory."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import httpcore
import httpx
import pytest
import trio
import trio.testing

from legnext_stream._core.answers import Answer, NoReply, Reply, read_poll
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.pace import Pacer
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Poll, Tracker
from mockserver import MockLegnext
from mockserver._serving.network import MemoryBackend, MemoryTransport, serve_connection

KEY = "lk-5f0c9d1e7a"
"""The API key of the tests; a search for it in any output must find nothing."""
URL = "http://legnext.test"
"""A base URL under which only networks in memory answer."""

# ---------------------------------------------------------------- answers, made by hand


def job_body(job_id: str, status: object, **fields: object) -> dict[str, object]:
    """A job object with the few fields that matter to a test."""
    return {"job_id": job_id, "status": status, **fields}


def reply(
    code: int = 200,
    body: object = None,
    *,
    at: float = 0.0,
    sent_at: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An HTTP answer that came at `at`; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(code, dict(headers or {}), content, at if sent_at is None else sent_at, at)


def refusal(code: int, *, at: float = 0.0, headers: Mapping[str, str] | None = None) -> Reply:
    """A refusal in the API's default form."""
    body = {"code": code, "message": f"refused with {code}", "raw_message": "", "detail": None}
    return reply(code, body, at=at, headers=headers)


def no_reply(*, at: float = 0.0, was_sent: bool = True) -> NoReply:
    """A request that got no answer, given up at `at`."""
    return NoReply(f"{URL} gave no answer: ReadTimeout", at, at, was_sent=was_sent)


# ---------------------------------------------------------------- the tracker, driven by hand

Respond: TypeAlias = Callable[[str, float], Answer]


class Driver:
    """Drives a tracker through time, as the engine does, but with answers made up on the spot.

    Args:
        respond: Gives the answer to a poll of this job at this time.
        timeout: As the tracker takes it.
        pacing: As the tracker takes it.
        pacer: By default one that keeps to `pacing`.

    Attributes:
        now: The time it has come to, seconds.
        events: All events so far.
        polls: All polls so far: the time and the job.
    """

    def __init__(
        self,
        respond: Respond,
        *,
        timeout: float | None = 600.0,
        pacing: Pacing | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        settings = Pacing() if pacing is None else pacing
        self.respond = respond
        pacer = pacer_for(settings) if pacer is None else pacer
        self.tracker = Tracker(pacing=settings, timeout=timeout, pacer=pacer)
        self.now = 0.0
        self.events: list[JobEvent] = []
        self.polls: list[tuple[float, str]] = []

    def add(self, *jobs: str | Job) -> None:
        """Have these jobs watched from now on."""
        for job in jobs:
            self._deliver(self.tracker.add(self.now, job))

    def run(self, until: float = 1e6) -> list[JobEvent]:
        """Go on until nothing is left to ask, or this time has come; return all events so far."""
        while self.tracker.active:
            step = self.tracker.due(self.now)
            if not isinstance(step, Poll):
                assert step > self.now, "a time at which to ask again must lie ahead"
                if step > until:
                    break
                self.now = step
                continue
            self.polls.append((self.now, step.job_id))
            answer = self.respond(step.job_id, self.now)
            self._deliver(self.tracker.observe(self.now, read_poll(step.job_id, answer)))
        return self.events

    def _deliver(self, events: Sequence[JobEvent]) -> None:
        """Number the events, as delivery does."""
        for event in events:
            self.events.append(attrs.evolve(event, sequence=len(self.events) + 1))

    def statuses(self, job_id: str) -> list[JobStatus]:
        """What the events said of one job."""
        return [event.status for event in self.events if event.job_id == job_id]


def pacer_for(pacing: Pacing) -> Pacer:
    """The pacer an account with these settings has."""
    return Pacer(
        max_rate=pacing.max_rate,
        initial_rate=pacing.initial_rate,
        max_in_flight=pacing.max_in_flight,
    )


# ---------------------------------------------------------------- the contract, as a check

TrueChanges: TypeAlias = Mapping[str, Sequence[tuple[float, str]]]
"""Job id → its true changes in order: when, and the status as the API writes it."""


def word(event: JobEvent) -> str:
    """The event's status as the API writes it."""
    return event.job.raw_status if event.status is JobStatus.UNKNOWN else event.status.value


def check_contract(
    events: Iterable[JobEvent],
    truth: TrueChanges,
    *,
    gave_up: bool = False,
    slack: float | None = 1e-6,
) -> dict[str, list[JobEvent]]:
    """Check clauses 1 to 3 of the contract for a stream that has ended.

    Args:
        events: All events of the stream, as delivered.
        truth: What really happened. A job that is not in here does not exist.
        gave_up: Whether a job may have been given up that could have been followed to its end.
        slack: How far off a change's true time may lie, seconds; None not to check times (an
            answer that is out of date says nothing about when).

    Returns:
        The events of each job.
    """
    per_job: dict[str, list[JobEvent]] = {}
    for number, event in enumerate(events, 1):
        assert event.sequence == number, "sequence counts the events as delivered"
        assert event.job.job_id == event.job_id
        assert event.job.status is event.status
        per_job.setdefault(event.job_id, []).append(event)
    for job_id, told in per_job.items():
        terminal = [event for event in told if event.status.is_terminal]
        assert terminal == told[-1:], f"{job_id}: exactly one terminal event, and nothing after it"
        before: list[JobStatus | None] = [None, *(event.status for event in told)]
        assert [event.previous for event in told] == before[:-1], f"{job_id}: previous must chain"
        _check_against_truth(told, truth.get(job_id), gave_up=gave_up, slack=slack)
    return per_job


def _check_against_truth(
    told: Sequence[JobEvent],
    changes: Sequence[tuple[float, str]] | None,
    *,
    gave_up: bool,
    slack: float | None,
) -> None:
    job_id, end = told[0].job_id, told[-1].status
    if changes is None:
        assert [event.status for event in told] == [JobStatus.NOT_FOUND], job_id
        return
    said = list(told)
    if end in {JobStatus.TIMED_OUT, JobStatus.NOT_FOUND}:
        ends = any(JobStatus(status).is_terminal for _, status in changes[-1:] if status in _WORDS)
        assert gave_up or not ends, f"{job_id} was given up"
        said.pop()
    place = 0
    for event in said:
        if slack is None and event.status is JobStatus.UNKNOWN:
            # A word without a place: an answer that is out of date may bring it at any time.
            assert word(event) in {status for _, status in changes}
            continue
        while place < len(changes) and changes[place][1] != word(event):
            place += 1
        assert place < len(changes), f"{job_id}: {word(event)} is out of order: {told} {changes}"
        at = changes[place][0]
        place += 1
        after, until = event.changed_between
        assert until <= event.observed_at
        if slack is not None:
            assert at <= until + slack, f"{event} was told before it happened at {at}"
            assert after is None or after - slack <= at, f"{event} happened at {at}"


_WORDS = frozenset(JobStatus)

# ---------------------------------------------------------------- networks in memory

ServeStream: TypeAlias = Callable[[trio.abc.Stream], Awaitable[None]]


class _Counted(httpcore.AsyncNetworkStream):
    """The client's end of a connection; tells the network when it is closed."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, on_close: Callable[[], None]) -> None:
        self._inner = inner
        self._on_close: Callable[[], None] | None = on_close

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        return self._inner.get_extra_info(info)


class Network(httpcore.AsyncNetworkBackend):
    """A network in memory on which every host is one server; it counts connections.

    Args:
        serve: Serves one connection, to its end.

    Attributes:
        opened: How many connections the client has ever opened.
        now_open: How many of them it has not closed.
        serving: How many the server still works for. It may notice late that a client has left.
    """

    def __init__(self, serve: ServeStream) -> None:
        self._serve = serve
        self._backend = MemoryBackend(self._serve_one)
        self.opened = 0
        self.now_open = 0
        self.serving = 0

    async def _serve_one(self, stream: trio.abc.Stream) -> None:
        try:
            await self._serve(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client hung up first, as it may
        finally:
            self.serving -= 1
            await trio.aclose_forcefully(stream)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the server."""
        inner = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        self.opened += 1
        self.now_open += 1
        self.serving += 1
        return _Counted(inner, self._note_close)

    def _note_close(self) -> None:
        self.now_open -= 1

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put this network under httpx's own connection pools, in place of sockets."""
        use_backend(monkeypatch, self)

    def transport(self) -> MemoryTransport:
        """A transport that leads into this network."""
        return MemoryTransport(self)


def use_backend(monkeypatch: pytest.MonkeyPatch, backend: httpcore.AsyncNetworkBackend) -> None:
    """Have httpx's connection pools connect through `backend`."""
    monkeypatch.setattr("httpcore._async.connection_pool.AutoBackend", lambda: backend)


class Unreachable(httpcore.AsyncNetworkBackend):
    """A network on which nobody listens."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Refuse the connection."""
        await trio.lowlevel.checkpoint()
        raise httpcore.ConnectError(f"{host}:{port} refused")


def mock_network(mock: MockLegnext) -> Network:
    """A network on which every host is this mock."""

    async def serve(stream: trio.abc.Stream) -> None:
        await serve_connection(mock.app, stream, mock.crashes.append)

    return Network(serve)


class RawServer:
    """A server of bytes: reads each request whole, and answers with whatever bytes it is told.

    Args:
        answers: The bytes of the answers, one for each request; the last is given again and again.
            A tuple is sent piece by piece with the second item as the seconds between; None hangs
            up without a word.

    Attributes:
        requests: The bytes of each request.
    """

    def __init__(self, *answers: bytes | tuple[bytes, float] | None) -> None:
        self._answers = list(answers)
        self.requests: list[bytes] = []

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until the client hangs up."""
        while request := await self._read(stream):
            self.requests.append(request)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if answer is None:
                return
            if isinstance(answer, bytes):
                await stream.send_all(answer)
                continue
            content, pause = answer
            for number in range(len(content)):
                await stream.send_all(content[number : number + 1])
                await trio.sleep(pause)

    @staticmethod
    async def _read(stream: trio.abc.Stream) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            more = await stream.receive_some(65536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(body) < length:
            body += await stream.receive_some(65536)
        return head + b"\r\n\r\n" + body


def http_bytes(
    code: int = 200,
    body: bytes = b"{}",
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """An HTTP/1.1 answer as bytes."""
    lines = [f"HTTP/1.1 {code} Whatever", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def json_bytes(code: int, body: object) -> bytes:
    """An HTTP/1.1 answer with a JSON body, as bytes."""
    return http_bytes(code, json.dumps(body).encode(), [("content-type", "application/json")])


# ---------------------------------------------------------------- transports made by hand

Handle: TypeAlias = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


@attrs.define(eq=False)
class HandMade(httpx.AsyncBaseTransport):
    """A transport that is one function; it keeps the requests and counts its closings.

    Attributes:
        handle: Answers a request, or raises one of httpx's errors.
        requests: The requests so far.
        closings: How often it has been closed.
    """

    handle: Handle
    requests: list[httpx.Request] = attrs.field(factory=list)
    closings: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        await request.aread()
        await trio.lowlevel.checkpoint()
        self.requests.append(request)
        answer = self.handle(request)
        return answer if isinstance(answer, httpx.Response) else await answer

    async def aclose(self) -> None:
        """Count it."""
        self.closings += 1


def in_turn(*answers: httpx.Response | Exception) -> HandMade:
    """A transport that gives these answers one after the other, the last again and again."""
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            if isinstance(answer, httpx.RequestError):
                answer.request = request
            raise answer
        # A response is spent once it has been read; the next request gets its like.
        return httpx.Response(
            answer.status_code, headers=answer.headers, content=answer.content, request=request
        )

    return HandMade(handle)


# ---------------------------------------------------------------- what is left behind


@attrs.frozen
class Left:
    """What there was before something was begun, to compare with when it has been left."""

    tasks: int

    @classmethod
    async def before(cls) -> Left:
        """Take stock."""
        await trio.testing.wait_all_tasks_blocked()
        return cls(trio.lowlevel.current_statistics().tasks_living)

    async def check(self, network: Network, mock: MockLegnext) -> None:
        """Check that nothing is left: no task, no connection, and nobody who goes on asking."""
        await trio.testing.wait_all_tasks_blocked()
        assert network.now_open == 0, "a connection was left open"
        now = trio.lowlevel.current_statistics().tasks_living - network.serving
        assert now == self.tasks, "a task was left running"
        # The server answers what it has received, and then notices that nobody is there.
        await trio.sleep(5)
        assert network.serving == 0
        asked = len(mock.requests)
        await trio.sleep(10_000)
        assert len(mock.requests) == asked, "the polling went on"
        assert not mock.crashes
