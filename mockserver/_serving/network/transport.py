"""An httpx transport to a server in the same Trio run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import httpcore
import httpx
import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# All URLs lead to the mock, also those with https: the host is in the Host header, and encryption in
# memory has no use.
_ORIGIN: Final = httpcore.Origin(b"http", b"legnext.mock", 80)

_ERRORS: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


def _as_httpx(error: Exception) -> httpx.TransportError:
    """The error of httpx for an error of httpcore; each has the same name in both."""
    counterpart: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return counterpart(str(error))


def require_trio(what: str, instead: str) -> None:
    """Check that this is a Trio run.

    Raises:
        RuntimeError: It is not.
    """
    if not trio.lowlevel.in_trio_task():
        raise RuntimeError(f"{what} works only in a Trio run: {instead}")


_INSTEAD: Final = (
    "under asyncio, give it to legnext_stream.aio.LegnextClient, or give httpx"
    " httpx.ASGITransport(app=mock.app) and the mock clock=time.monotonic; in plain code, give it to"
    " legnext_stream.sync.LegnextClient"
)


class _Body(httpx.AsyncByteStream):
    """The body of an answer; closing it returns its connection."""

    def __init__(
        self,
        response: httpcore.Response,
        connection: httpcore.AsyncHTTPConnection,
        idle: list[httpcore.AsyncHTTPConnection],
    ) -> None:
        self._response = response
        self._connection: httpcore.AsyncHTTPConnection | None = connection
        self._idle = idle

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_stream():
                yield chunk
        except _ERRORS as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        # Shielded, as a connection that a cancellation interrupts here would never be closed.
        with trio.CancelScope(shield=True):
            await self._response.aclose()
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_idle():
            self._idle.append(connection)


class MemoryTransport(httpx.AsyncBaseTransport):
    """Sends the requests of any number of httpx clients to one server.

    Connections are reused, the last one first, and new ones are made as needed. The cost of a
    request doesn't depend on the number of connections, unlike with httpx's own pool. Closing closes
    the idle connections, and the transport can still be used, as several clients that share it each
    close it.
    """

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend
        self._idle: list[httpcore.AsyncHTTPConnection] = []

    async def _connection(self) -> httpcore.AsyncHTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(_ORIGIN, network_backend=self._backend)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and wait for the head of its answer.

        Raises:
            httpx.TransportError: The error of a real network: `ConnectTimeout`, `ReadTimeout`,
                `WriteTimeout`, `ReadError`, `RemoteProtocolError` and so on.
            RuntimeError: This is not a Trio run.
        """
        require_trio("the mock's transport()", _INSTEAD)
        connection = await self._connection()
        core_request = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=_ORIGIN.scheme,
                host=_ORIGIN.host,
                port=_ORIGIN.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            response = await self._exchange(connection, core_request)
        except _ERRORS as error:
            raise _as_httpx(error) from error
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response, connection, self._idle),
            extensions=response.extensions,
        )

    @staticmethod
    async def _exchange(
        connection: httpcore.AsyncHTTPConnection, request: httpcore.Request
    ) -> httpcore.Response:
        try:
            return await connection.handle_async_request(request)
        except BaseException:
            # A cancellation can come before httpcore has anything that it would close.
            with trio.CancelScope(shield=True):
                await connection.aclose()
            raise

    # What `httpx.Client` calls, which is not for it.
    def handle_request(self, _: httpx.Request) -> NoReturn:
        """Refuse a client that blocks.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(f"the mock's transport() is not for httpx.Client: {_INSTEAD}")

    def __enter__(self) -> NoReturn:
        raise RuntimeError(f"the mock's transport() is not for httpx.Client: {_INSTEAD}")

    def __exit__(self, *_: object) -> None:
        """For `with`, which looks for it before it enters."""

    def close(self) -> None:
        """For `httpx.Client.close`: there is nothing to close."""

    async def aclose(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop().aclose()
