"""An HTTP/1.1 server for one connection: h11 on one side, an ASGI application on the other."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import h11
import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Scope

_MAX_BYTES = 65536
_PEER_LEFT = (trio.BrokenResourceError, trio.ClosedResourceError)


class _Answer(enum.Enum):
    """How far the answer to the current request has come."""

    NOT_STARTED = enum.auto()
    STARTED = enum.auto()
    COMPLETE = enum.auto()


async def serve_connection(
    app: ASGIApp, stream: trio.abc.Stream, on_crash: Callable[[Exception], None]
) -> None:
    """Serve the requests of one connection, one after the other, until either side ends it.

    It can run as a system task: an exception of the application becomes an answer with status 500
    where none has begun, ends the connection, and goes to `on_crash`.
    """
    connection = _Connection(app, stream, on_crash)
    try:
        while await connection.serve_request():
            pass
    finally:
        await trio.aclose_forcefully(stream)


class _Connection:
    """The state of one connection."""

    def __init__(
        self, app: ASGIApp, stream: trio.abc.Stream, on_crash: Callable[[Exception], None]
    ) -> None:
        self._app = app
        self._stream = stream
        self._on_crash = on_crash
        self._h11 = h11.Connection(h11.SERVER)
        self._client_left = False
        self._is_head = False
        self._head: Message | None = None
        self._body_ended = False
        self._body_error: h11.RemoteProtocolError | None = None
        self._answer = _Answer.NOT_STARTED

    async def serve_request(self) -> bool:
        """Serve the next request; return whether there can be another."""
        try:
            request = await self._next_event()
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint, str(error))
            return False
        if not isinstance(request, h11.Request):
            return False  # The client left between requests.
        self._is_head = request.method == b"HEAD"
        self._head = None
        self._body_ended = False
        self._body_error = None
        self._answer = _Answer.NOT_STARTED
        await self._run_app(request)
        return await self._conclude()

    async def _conclude(self) -> bool:
        """See to it that the request has an answer; return whether another can follow."""
        if self._answer is _Answer.NOT_STARTED:
            if self._body_error is None:
                await self._refuse(500, "Internal server error")
            else:
                await self._refuse(self._body_error.error_status_hint, str(self._body_error))
        return self._answer is _Answer.COMPLETE and await self._is_kept_open()

    async def _run_app(self, request: h11.Request) -> None:
        """Have the application answer; tell of what goes wrong in it."""
        try:
            await self._app(_scope(request), self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - whatever bug it is, it is told of, not hidden
            self._on_crash(error)
        else:
            if not (self._answer is _Answer.COMPLETE or self._client_left or self._body_error):
                self._on_crash(RuntimeError("the application gave no complete answer"))

    async def _is_kept_open(self) -> bool:
        """Read what is left of the request; return whether another can follow."""
        try:
            while not self._body_ended:
                self._body_ended = not isinstance(await self._next_event(), h11.Data)
        except h11.RemoteProtocolError:
            return False  # It has been answered, but where the next would begin isn't known.
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

    async def _refuse(self, status: int, message: str) -> None:
        """Answer with an error, as the last thing on this connection."""
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

    async def _read(self) -> bytes:
        try:
            data = bytes(await self._stream.receive_some(_MAX_BYTES))
        except _PEER_LEFT:
            data = b""
        self._client_left = self._client_left or not data
        return data

    async def _write(self, data: bytes | None) -> None:
        """Send bytes; into the void when the client has left, as a socket would for a while."""
        try:
            await self._stream.send_all(data or b"")
        except _PEER_LEFT:
            self._client_left = True

    # The two callables of ASGI

    async def _receive(self) -> Message:
        if not self._body_ended:
            try:
                event = await self._next_event()
            except h11.RemoteProtocolError as error:
                # To the application this is the same as a client that leaves.
                self._body_error = error
                self._body_ended = True
                return {"type": "http.disconnect"}
            if isinstance(event, h11.Data):
                return {"type": "http.request", "body": bytes(event.data), "more_body": True}
            self._body_ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if self._answer is not _Answer.COMPLETE and self._body_error is None:
            # The only news there can be is that the client leaves. What it sends before that is
            # its next request, and waits.
            while data := await self._read():
                self._h11.receive_data(data)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            # Held back until there is a body to go with it: one write, one wakeup.
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


def _scope(request: h11.Request) -> Scope:
    raw_path, _, query = request.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": request.http_version.decode(),
        "method": request.method.decode(),
        "scheme": "http",
        "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": list(request.headers),
        "client": ("memory", 0),
        "server": ("memory", 0),
    }
