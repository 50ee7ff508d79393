"""An HTTP/1.1 server for one connection: h11 on one side, an ASGI application on the other."""

from __future__ import annotations

import contextlib
import enum
import math
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import h11
import trio

from mockserver._api.files import IN_MEMORY
from mockserver._faults import CONNECTION
from mockserver._serving.network.faulty import GONE, FaultyStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Message, Scope

_MAX_BYTES = 65536
_IN_MEMORY = (IN_MEMORY, 0)


class Patience:
    """How long to wait for clients, and an end to waiting for their next requests.

    A client may take `seconds` for the head of a request, after the connection or the last answer,
    and for each part of a body.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self.seconds: float = seconds
        self._waiting: set[trio.CancelScope] = set()
        self._is_over = False

    @contextlib.contextmanager
    def wait(self, *, for_ever: bool = False) -> Iterator[None]:
        """A context to wait for a request in; `end` and the time limit cancel the wait."""
        with trio.move_on_after(math.inf if for_ever else self.seconds) as scope:
            if self._is_over:
                scope.cancel()
            self._waiting.add(scope)
            try:
                yield
            finally:
                self._waiting.discard(scope)

    def end(self) -> None:
        """End all waits for requests; requests in progress can still be served."""
        self._is_over = True
        for scope in self._waiting:
            scope.cancel()


class _Answer(enum.Enum):
    """The progress of the answer to the current request."""

    NOT_STARTED = enum.auto()
    STARTED = enum.auto()
    COMPLETE = enum.auto()


async def serve_connection(
    app: ASGIApp,
    stream: trio.abc.Stream,
    on_crash: Callable[[Exception], None],
    patience: Patience | None = None,
) -> None:
    """Serve the requests of one connection, one after the other, until either side ends it.

    It can run as a system task. An exception of the application goes to `on_crash` and ends the
    connection, with a 500 unless the answer has begun. The scope of the application has the
    connection in the extension `CONNECTION`, by which it can have it fail. All connections of a
    server share its `patience`; without it, clients may take for ever.
    """
    faulty = stream if isinstance(stream, FaultyStream) else FaultyStream(stream)
    connection = _Connection(app, faulty, on_crash, patience or Patience())
    try:
        while await connection.serve_request():
            pass
        await faulty.aclose()
    finally:
        await trio.aclose_forcefully(stream)


class _Connection:
    """The state of one connection."""

    def __init__(
        self,
        app: ASGIApp,
        stream: FaultyStream,
        on_crash: Callable[[Exception], None],
        patience: Patience,
    ) -> None:
        self._app = app
        self._stream = stream
        self._on_crash = on_crash
        self._patience = patience
        self._common_scope = _common_scope(stream)
        self._h11 = h11.Connection(h11.SERVER)
        self._client_left = False
        self._is_head = False
        self._head: Message | None = None
        self._body_ended = False
        self._body_error: h11.RemoteProtocolError | None = None
        self._answer = _Answer.NOT_STARTED

    async def serve_request(self) -> bool:
        """Serve the next request; return whether there can be another."""
        request: object = None
        self._is_head = False
        try:
            with self._patience.wait(for_ever=self._stream.is_silent):
                request = await self._next_event()
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint, str(error))
            return False
        if not isinstance(request, h11.Request):
            return False  # The client left between requests, or timed out.
        self._stream.begin_request()
        self._is_head = request.method == b"HEAD"
        self._head = None
        self._body_ended = False
        self._body_error = None
        self._answer = _Answer.NOT_STARTED
        await self._run_app(request)
        return await self._conclude()

    async def _conclude(self) -> bool:
        """Make sure that the request has an answer; return whether another can follow."""
        if self._answer is _Answer.NOT_STARTED:
            if self._body_error is None:
                await self._refuse(500, "Internal server error")
            else:
                await self._refuse(self._body_error.error_status_hint, str(self._body_error))
        return (
            self._answer is _Answer.COMPLETE
            and not self._stream.ends_with_answer
            and await self._is_kept_open()
        )

    async def _run_app(self, request: h11.Request) -> None:
        """Run the application, and report its errors."""
        try:
            scope = {**self._common_scope, **_request_scope(request, self._stream)}
            await self._app(scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - any bug, which is reported
            self._on_crash(error)
        else:
            if not (self._answer is _Answer.COMPLETE or self._client_left or self._body_error):
                self._on_crash(RuntimeError("the application gave no complete answer"))

    async def _is_kept_open(self) -> bool:
        """Read what is left of the request; return whether another can follow."""
        try:
            while not self._body_ended:
                self._body_ended = not isinstance(await self._next_of_body(), h11.Data)
        except h11.RemoteProtocolError:
            return False  # Where the next request would begin is unknown.
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            return not self._client_left
        return False

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._h11.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value] # mypy doesn't narrow h11's sentinels
            if self._h11.they_are_waiting_for_100_continue:
                await self._write(
                    self._h11.send(h11.InformationalResponse(status_code=100, headers=[]))
                )
            self._h11.receive_data(await self._read())

    async def _next_of_body(self) -> h11.Event | type[h11.PAUSED]:
        with trio.move_on_after(self._patience.seconds):
            return await self._next_event()
        raise h11.RemoteProtocolError("the body came too slowly", error_status_hint=408)

    async def _refuse(self, status: int, message: str) -> None:
        """Answer with an error, and end the connection."""
        body = message.encode()
        response = h11.Response(
            status_code=status,
            headers=[
                ("content-type", "text/plain; charset=utf-8"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ],
        )
        head = self._h11.send(response) or b""
        await self._write(head if self._is_head else head + body)
        await self._stream.hang_up()

    async def _read(self) -> bytes:
        try:
            data = await self._stream.receive_some(_MAX_BYTES)
        except GONE:
            data = b""
        self._client_left = self._client_left or not data
        return data

    async def _write(self, data: bytes | None) -> None:
        """Send bytes; discard them if the client has left."""
        try:
            await self._stream.send_all(data or b"")
        except GONE:
            self._client_left = True

    # The two callables of ASGI

    async def _receive(self) -> Message:
        if not self._body_ended:
            try:
                event = await self._next_of_body()
            except h11.RemoteProtocolError as error:
                # The application sees a client that leaves.
                self._body_error = error
                self._body_ended = True
                return {"type": "http.disconnect"}
            if isinstance(event, h11.Data):
                return {"type": "http.request", "body": bytes(event.data), "more_body": True}
            self._body_ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if self._answer is not _Answer.COMPLETE and self._body_error is None:
            # Wait for the client to leave. Anything it sends before is its next request, for later.
            while data := await self._read():
                self._h11.receive_data(data)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            # Kept until there is a body to send with it: one write, and one wakeup of the client.
            self._head = message
            return
        out = b""
        if self._answer is _Answer.NOT_STARTED:
            if self._head is None:
                raise RuntimeError("the application sent a body before the start of its answer")
            response = h11.Response(
                status_code=self._head["status"], headers=self._head.get("headers", [])
            )
            out += self._h11.send(response) or b""
            self._answer = _Answer.STARTED
        body = message.get("body", b"")
        if body and not self._is_head:
            out += self._h11.send(h11.Data(data=body)) or b""
        if not message.get("more_body", False):
            out += self._h11.send(h11.EndOfMessage()) or b""
            self._answer = _Answer.COMPLETE
        await self._write(out)


def _common_scope(stream: FaultyStream) -> Scope:
    """The part of the scope that all requests of a connection share."""
    client: tuple[str, int] | None = _IN_MEMORY
    server: tuple[str, int] | None = _IN_MEMORY
    if isinstance(stream.carrier, trio.SocketStream):
        # A client that has already left has no address. It must not count as one in memory, as the
        # admin routes trust those.
        client = server = None
        with contextlib.suppress(OSError):
            client, server = (
                name()[:2]
                for name in (stream.carrier.socket.getpeername, stream.carrier.socket.getsockname)
            )
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "scheme": "http",
        "root_path": "",
        "client": client,
        "server": server,
    }


def _request_scope(request: h11.Request, stream: FaultyStream) -> Scope:
    raw_path, _, query = request.target.partition(b"?")
    return {
        "http_version": request.http_version.decode(),
        "method": request.method.decode(),
        "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "headers": list(request.headers),
        # A dict of its own, as the application may change it.
        "extensions": {CONNECTION: stream},
    }
