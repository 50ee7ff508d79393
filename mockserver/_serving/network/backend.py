"""A network of in-memory streams, for httpcore.

All waiting is Trio's, so the timeouts of clients pass in the run's time; under a `MockClock`, at
once.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

import httpcore
import trio

from mockserver._faults.connection import Refuse
from mockserver._serving.network.faulty import GONE, FaultyStream
from mockserver._serving.network.pipe import PipeEnd, open_pipe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from mockserver._faults import ConnectionFault

    Serve = Callable[[trio.abc.Stream], Awaitable[None]]


@contextlib.contextmanager
def _errors_as(
    timeout: float | None,
    too_slow: type[httpcore.TimeoutException],
    broken: type[httpcore.NetworkError],
) -> Iterator[None]:
    """Apply a timeout in seconds, and raise the errors that httpcore expects."""
    try:
        with trio.fail_after(math.inf if timeout is None else timeout):
            yield
    except trio.TooSlowError as error:
        raise too_slow(f"nothing within {timeout} s") from error
    except GONE as error:
        raise broken(str(error)) from error


class MemoryStream(httpcore.AsyncNetworkStream):
    """The client's end of a connection, for httpcore."""

    def __init__(self, stream: PipeEnd) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        """Wait for bytes; empty once the server has closed the connection."""
        with _errors_as(timeout, httpcore.ReadTimeout, httpcore.ReadError):
            return await self._stream.receive_some(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        """Send bytes."""
        if not buffer:
            return  # httpcore writes the end of each message, which is mostly empty.
        with _errors_as(timeout, httpcore.WriteTimeout, httpcore.WriteError):
            await self._stream.send_all(buffer)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """Report whether an idle connection is readable, which means that it was closed."""
        return self._stream.is_readable if info == "is_readable" else None


class MemoryBackend(httpcore.AsyncNetworkBackend):
    """Connects all addresses to one server in the same Trio run.

    `serve` serves one connection to its end. It runs as a system task, where an exception would end
    the whole run, so it must not raise. `admit` gives the faults of the next connection.
    """

    def __init__(
        self,
        serve: Serve,
        connect_seconds: float = 0.0,
        admit: Callable[[], Sequence[ConnectionFault]] | None = None,
    ) -> None:
        self._serve = serve
        self._connect_seconds = connect_seconds
        self._admit = admit

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - httpcore's signature, as the next three
        port: int,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the server."""
        with _errors_as(timeout, httpcore.ConnectTimeout, httpcore.ConnectError):
            await trio.sleep(self._connect_seconds)
        faults = self._admit() if self._admit else ()
        if any(isinstance(fault, Refuse) for fault in faults):
            raise httpcore.ConnectError("the connection was refused")
        ours, theirs = open_pipe()
        server_end = FaultyStream(theirs, faults)

        async def serve_to_the_end() -> None:
            try:
                await self._serve(server_end)
            finally:
                await trio.aclose_forcefully(server_end)

        trio.lowlevel.spawn_system_task(serve_to_the_end, name="Legnext mock connection")
        return MemoryStream(ours)

    async def sleep(self, seconds: float) -> None:
        """Wait between attempts to connect."""
        await trio.sleep(seconds)
