"""A stream on which the faults of a connection act, whatever carries its bytes.

It stands between a server and its client. What the server sends goes through a chain of functions,
one for each fault, to the stream below; so does, for the whole connection, what it receives.
Without faults the chain is the stream's own method.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeAlias, assert_never

import trio

from mockserver._faults.connection import (
    Bandwidth,
    Close,
    ConnectionFault,
    Dribble,
    EmptyAnswer,
    Garbage,
    Refuse,
    Reset,
    Silence,
    SlowClose,
)
from mockserver._serving.network.pipe import PipeEnd

_Bytes: TypeAlias = bytes | bytearray | memoryview
_Send: TypeAlias = Callable[[_Bytes], Awaitable[None]]
_Receive: TypeAlias = Callable[[int | None], Awaitable[bytes | bytearray]]
_End: TypeAlias = Refuse | Reset | Close | EmptyAnswer | Garbage | Silence

GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
"""What a stream raises when its other end, or this one, is no more."""
_MAX_BYTES: Final = 65536
# A limited rate comes in portions of this many seconds' worth.
_PORTION: Final = 0.1
# How long a client that has been hung up on can still send, in seconds. Closing a socket with bytes
# unread resets it, and a reset can overtake the last bytes of an answer.
_LINGER: Final = 1.0


class FaultyStream(trio.abc.Stream):
    """The server's end of a connection, with faults.

    Args:
        stream: What carries the bytes.
        faults: What the whole connection suffers from.
    """

    def __init__(self, stream: trio.abc.Stream, faults: Iterable[ConnectionFault] = ()) -> None:
        self._stream = stream
        self._is_hung_up = False
        self._is_silent = False
        self._close_after: float | None = None
        self._answer_faults: list[ConnectionFault] = []
        receive: _Receive = stream.receive_some
        lasting = tuple(faults)
        for fault in reversed(lasting):
            receive = self._receiving(fault, receive)
            self._note(fault)
        self._lasting_receive = self._receive = receive
        self._lasting_send = self._send_with(lasting, stream.send_all)
        self._send = self._lasting_send

    @property
    def carrier(self) -> trio.abc.Stream:
        """What carries the bytes."""
        return self._stream

    @property
    def is_silent(self) -> bool:
        """Whether nothing is ever answered on this connection."""
        return self._is_silent

    @property
    def ends_with_answer(self) -> bool:
        """Whether the present answer is the connection's last."""
        return self._close_after is not None

    def begin_request(self) -> None:
        """From now on it is about another request: the faults of the last answer are over."""
        if self._answer_faults:
            self._answer_faults.clear()
            self._send = self._lasting_send
            self._receive = self._lasting_receive

    def fail_with(self, fault: ConnectionFault) -> None:
        """Have the answer to the present request meet `fault`; to be called before it begins.

        What is still to come of the request meets it too, where its pace is limited or it goes unheard.
        """
        self._answer_faults.append(fault)
        self._send = self._send_with(self._answer_faults, self._lasting_send)
        if isinstance(fault, Silence | Bandwidth):
            self._receive = self._receiving(fault, self._receive)
        self._note(fault)

    async def send_all(self, data: _Bytes) -> None:
        """Send bytes, as far as the faults let them pass.

        Raises:
            trio.BrokenResourceError: The connection is no more, also where a fault has ended it.
            trio.ClosedResourceError: This end is closed.
        """
        if self._is_hung_up:
            raise trio.BrokenResourceError("the connection has been ended")
        await self._send(data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for bytes; none mean that the client has left, or isn't heard.

        Raises:
            trio.BrokenResourceError: The connection is no more, also where a fault has ended it.
            trio.ClosedResourceError: This end is closed.
        """
        return bytes(await self._receive(max_bytes))

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the stream below takes bytes."""
        await self._stream.wait_send_all_might_not_block()

    async def hang_up(self) -> None:
        """Send the end; the client can go on to send, for a while after this end is closed."""
        self._is_hung_up = True
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            with contextlib.suppress(*GONE):
                await self._stream.send_eof()

    async def reset(self) -> None:
        """Break the connection off; on a socket with a RST."""
        self._is_hung_up = True
        if isinstance(self._stream, trio.SocketStream):
            # On, and no time for what is still on its way: closing resets.
            linger = struct.pack("ii", 1, 0)
            self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif isinstance(self._stream, PipeEnd):
            self._stream.reset()
        # Whoever waits for this connection learns of it at once, and may cancel the task.
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self._stream)

    async def aclose(self) -> None:
        """Close the connection, as slowly as its faults have it."""
        try:
            if self._close_after:
                await trio.sleep(self._close_after)
            if self._is_hung_up:
                with trio.move_on_after(_LINGER):
                    await self._drain()
        finally:
            await self._stream.aclose()

    def _note(self, fault: ConnectionFault) -> None:
        match fault:
            case Silence():
                self._is_silent = True
            case SlowClose(seconds):
                self._close_after = seconds
            case _:
                pass

    # The chains

    def _send_with(self, faults: Iterable[ConnectionFault], send: _Send) -> _Send:
        """`send`, behind the faults."""
        ends = []
        for fault in faults:
            match fault:
                case Dribble(bytes_per, every_seconds):
                    send = _dribbled(send, bytes_per, every_seconds)
                case Bandwidth(rate):
                    send = _slowed(send, rate)
                case SlowClose():
                    pass  # Every byte passes.
                case _:
                    ends.append(fault)
        # Whatever the order, the pace is also that of what comes in the answer's place.
        return self._ended(ends[0], send) if ends else send

    def _ended(self, fault: _End, send: _Send) -> _Send:
        match fault:
            case Refuse():
                return _cut(send, 0, self.reset)
            case Reset(after_bytes):
                return _cut(send, after_bytes, self.reset)
            case Close(after_bytes):
                return _cut(send, after_bytes, self.hang_up)
            case EmptyAnswer():
                return _cut(send, 0, self.hang_up)
            case Garbage(length):
                return _replaced(send, garbage(length), self.hang_up)
            case Silence():
                return _swallow
            case _:
                assert_never(fault)

    def _receiving(self, fault: ConnectionFault, receive: _Receive) -> _Receive:
        match fault:
            case Refuse() | Reset(0):
                return self._ended_by_bytes(receive, self.reset)
            case Close(0):
                return self._ended_by_bytes(receive, self.hang_up)
            case Bandwidth(rate):
                return _slowed_receive(receive, rate)
            case Silence():
                return self._unheard
            case _:
                return receive

    def _ended_by_bytes(self, receive: _Receive, end: Callable[[], Awaitable[None]]) -> _Receive:
        async def receive_until_bytes(max_bytes: int | None) -> bytes:
            if await receive(max_bytes):
                await end()
                raise trio.BrokenResourceError("a fault has ended the connection")
            return b""

        return receive_until_bytes

    async def _unheard(self, _max_bytes: int | None) -> bytes:
        await self._drain()
        return b""

    async def _drain(self) -> None:
        """Read on, into the void, until the client ends."""
        with contextlib.suppress(*GONE):
            while await self._stream.receive_some(_MAX_BYTES):
                pass


def garbage(length: int) -> bytes:
    """So many bytes that aren't HTTP, the same every time."""
    # No line of HTTP begins with a zero, which spares the client a wait for the line's end.
    return b"\0" + hashlib.shake_128(b"garbage").digest(length - 1)


def _cut(send: _Send, after_bytes: int, end: Callable[[], Awaitable[None]]) -> _Send:
    """Let so many bytes pass, and end the connection."""
    left = after_bytes

    async def cut(data: _Bytes) -> None:
        nonlocal left
        part = data[:left]
        left -= len(part)
        if part:
            await send(part)
        if not left:
            await end()
            raise trio.BrokenResourceError("a fault has ended the connection")

    return cut


def _replaced(send: _Send, by: bytes, end: Callable[[], Awaitable[None]]) -> _Send:
    """Send other bytes, and end the connection."""

    async def replaced(_data: _Bytes) -> None:
        await send(by)
        await end()
        raise trio.BrokenResourceError("a fault has ended the connection")

    return replaced


async def _swallow(_data: _Bytes) -> None:
    """Send nothing."""
    await trio.lowlevel.checkpoint()


def _dribbled(send: _Send, bytes_per: int, every_seconds: float) -> _Send:
    """Send in pieces, each after a wait."""

    async def dribbled(data: _Bytes) -> None:
        for start in range(0, len(data), bytes_per):
            await trio.sleep(every_seconds)
            await send(data[start : start + bytes_per])

    return dribbled


def _portion(rate: float) -> int:
    """How many bytes go together at `rate` bytes a second."""
    return math.ceil(rate * _PORTION)


def _slowed(send: _Send, rate: float) -> _Send:
    """Send in portions, each after the time it takes."""

    async def slowed(data: _Bytes) -> None:
        size = _portion(rate)
        for start in range(0, len(data), size):
            portion = data[start : start + size]
            await trio.sleep(len(portion) / rate)
            await send(portion)

    return slowed


def _slowed_receive(receive: _Receive, rate: float) -> _Receive:
    """Receive in portions, each with the time it takes."""

    async def slowed(max_bytes: int | None) -> bytes | bytearray:
        portion = _portion(rate)
        data = await receive(portion if max_bytes is None else min(portion, max_bytes))
        await trio.sleep(len(data) / rate)
        return data

    return slowed
