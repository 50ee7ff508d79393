"""A connection in memory, with bounded buffers as those of a socket."""

from __future__ import annotations

import contextlib
import enum
import operator
from collections.abc import Iterator
from typing import Final

import trio

CAPACITY: Final = 65536
"""The most bytes in transit in one direction; then the sender waits."""


class _Sender(enum.Enum):
    """The state of the sending side."""

    SENDS = enum.auto()
    ENDED = enum.auto()
    RESET = enum.auto()


class _OneAtATime:
    """Guards an operation that only one task can do at a time."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_used = False

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        if self._is_used:
            raise trio.BusyResourceError(f"another task {self._what} already")
        self._is_used = True
        try:
            yield
        finally:
            self._is_used = False


class _Direction:
    """The bytes in transit from one end to the other."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._bytes = bytearray()
        self._sender = _Sender.SENDS
        self._is_received = True
        self._waiting_to_receive = trio.lowlevel.ParkingLot()
        self._waiting_for_room = trio.lowlevel.ParkingLot()

    @property
    def is_readable(self) -> bool:
        """Whether a receiver would get bytes, the end, or an error at once."""
        return bool(self._bytes) or self._sender is not _Sender.SENDS

    async def put(self, data: bytes | bytearray | memoryview) -> None:
        await self.wait_for_room()
        left = memoryview(data)
        while left:
            await self._wait_for_room()
            room = self._capacity - len(self._bytes)
            self._bytes += left[:room]
            left = left[room:]
            self._waiting_to_receive.unpark_all()

    async def wait_for_room(self) -> None:
        await trio.lowlevel.checkpoint()
        await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        """Wait for room; without a checkpoint if there is room already."""
        while True:
            if self._sender is not _Sender.SENDS:
                raise trio.ClosedResourceError("this end is closed")
            if not self._is_received:
                raise trio.BrokenResourceError("the other end is closed")
            if len(self._bytes) < self._capacity:
                return
            await self._waiting_for_room.park()

    async def get(self, max_bytes: int | None) -> bytes:
        await trio.lowlevel.checkpoint()
        while self._is_received and not self.is_readable:
            await self._waiting_to_receive.park()
        if not self._is_received:
            raise trio.ClosedResourceError("this end is closed")
        if self._sender is _Sender.RESET and not self._bytes:
            raise trio.BrokenResourceError("the other end reset the connection")
        data = bytes(self._bytes[:max_bytes])
        del self._bytes[:max_bytes]
        self._waiting_for_room.unpark_all()
        return data

    def end(self, how: _Sender) -> None:
        """End sending; what has been sent can still be received."""
        if self._sender is _Sender.SENDS:
            self._sender = how
            self._wake()

    def refuse(self) -> None:
        """End receiving; what is in transit is lost."""
        self._is_received = False
        self._bytes.clear()
        self._wake()

    def _wake(self) -> None:
        self._waiting_to_receive.unpark_all()
        self._waiting_for_room.unpark_all()


class PipeEnd(trio.abc.HalfCloseableStream):
    """One end of a connection in memory; made by `open_pipe`."""

    def __init__(self, incoming: _Direction, outgoing: _Direction) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._receiving = _OneAtATime("receives")
        self._sending = _OneAtATime("sends")

    @property
    def is_readable(self) -> bool:
        """Whether there are bytes to receive, or the other end has ended the connection."""
        return self._incoming.is_readable

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; wait while too many are in transit."""
        with self._sending.use():
            await self._outgoing.put(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room for some bytes."""
        with self._sending.use():
            await self._outgoing.wait_for_room()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for bytes; empty if no more will come."""
        if max_bytes is not None and operator.index(max_bytes) < 1:
            raise ValueError(f"max_bytes must be at least 1, not {max_bytes}")
        with self._receiving.use():
            return await self._incoming.get(max_bytes)

    async def send_eof(self) -> None:
        """End sending; bytes can still be received."""
        with self._sending.use():
            await trio.lowlevel.checkpoint()
            self._outgoing.end(_Sender.ENDED)

    def reset(self) -> None:
        """Reset the connection, so that the other end gets an error rather than its end."""
        self._outgoing.end(_Sender.RESET)
        self._incoming.refuse()

    async def aclose(self) -> None:
        """Close this end."""
        self._outgoing.end(_Sender.ENDED)
        self._incoming.refuse()
        await trio.lowlevel.checkpoint()


def open_pipe(capacity: int = CAPACITY) -> tuple[PipeEnd, PipeEnd]:
    """Make a connection with room for `capacity` bytes each way, and return its two ends."""
    one_way, other_way = _Direction(capacity), _Direction(capacity)
    return PipeEnd(one_way, other_way), PipeEnd(other_way, one_way)
