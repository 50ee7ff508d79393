"""A stream with the faults of a connection, on top of any other stream.

It is between a server and its client. What the server sends passes a chain of functions, one for
each fault, to the stream below, and so does what it receives. Without faults, the chain is the
method of the stream below.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeAlias

import trio

from mockserver._faults.fault import ConnectionFault, Effect, End, Pace
from mockserver._serving.network.pipe import PipeEnd

_Bytes: TypeAlias = bytes | bytearray | memoryview
_Send: TypeAlias = Callable[[_Bytes], Awaitable[None]]
_Receive: TypeAlias = Callable[[int | None], Awaitable[bytes | bytearray]]

GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
"""What a stream raises if its other end, or this one, is closed or broken."""
_MAX_BYTES: Final = 65536
# How long to read what a client still sends after the end, in seconds. Closing a socket with unread
# bytes resets it, and a reset can overtake the last bytes of an answer (RFC 9112, section 9.6).
_LINGER: Final = 1.0


class FaultyStream(trio.abc.Stream):
    """The server's end of a connection, with faults.

    Attributes:
        carrier: The stream that carries the bytes.
        is_silent: Whether nothing is ever answered on this connection.
    """

    def __init__(self, stream: trio.abc.Stream, faults: Iterable[ConnectionFault] = ()) -> None:
        self.carrier: trio.abc.Stream = stream
        self._is_hung_up = False
        self.is_silent: bool = False
        self._close_after: float | None = None
        self._of_answer: list[Effect] = []
        receive: _Receive = stream.receive_some
        lasting = [fault.effect for fault in faults]
        for effect in reversed(lasting):
            receive = self._receiving(effect, receive)
            self._note(effect)
        self._lasting_receive = self._receive = receive
        self._lasting_send = self._send_with(lasting, stream.send_all)
        self._send = self._lasting_send

    @property
    def ends_with_answer(self) -> bool:
        """Whether the present answer is the connection's last."""
        return self._close_after is not None

    def begin_request(self) -> None:
        """Begin another request: the faults of the last answer end."""
        if self._of_answer:
            self._of_answer.clear()
            self._send = self._lasting_send
            self._receive = self._lasting_receive

    def fail_with(self, fault: ConnectionFault) -> None:
        """Apply a fault to the answer of the present request; call it before the answer begins.

        A fault that slows down or silences the connection also applies to the rest of the request.
        """
        effect = fault.effect
        self._of_answer.append(effect)
        self._send = self._send_with(self._of_answer, self._lasting_send)
        if effect.end is None:
            self._receive = self._receiving(effect, self._receive)
        self._note(effect)

    async def send_all(self, data: _Bytes) -> None:
        """Send bytes, as far as the faults let them pass."""
        if self._is_hung_up:
            raise trio.BrokenResourceError("the connection has been ended")
        await self._send(data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for bytes; empty if the client has left, or a fault silences it."""
        return bytes(await self._receive(max_bytes))

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the stream below accepts bytes."""
        await self.carrier.wait_send_all_might_not_block()

    async def hang_up(self) -> None:
        """End what this side sends; `aclose` still reads for a while what the client sends."""
        self._is_hung_up = True
        if isinstance(self.carrier, trio.abc.HalfCloseableStream):
            with contextlib.suppress(*GONE):
                await self.carrier.send_eof()

    async def reset(self) -> None:
        """Reset the connection; on a socket by a RST."""
        self._is_hung_up = True
        if isinstance(self.carrier, trio.SocketStream):
            # With a linger time of zero, closing the socket resets it.
            linger = struct.pack("ii", 1, 0)
            self.carrier.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif isinstance(self.carrier, PipeEnd):
            self.carrier.reset()
        # Shielded, as closing wakes tasks that may cancel this one.
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self.carrier)

    async def aclose(self) -> None:
        """Close the connection, after the delay of its faults."""
        try:
            if self._close_after:
                await trio.sleep(self._close_after)
            if self._is_hung_up:
                with trio.move_on_after(_LINGER):
                    await self._drain()
        finally:
            await self.carrier.aclose()

    def _note(self, effect: Effect) -> None:
        self.is_silent = self.is_silent or effect.is_silent
        if effect.close_after is not None:
            self._close_after = effect.close_after

    # The chains

    def _send_with(self, effects: Iterable[Effect], send: _Send) -> _Send:
        """`send` with the effects of faults."""
        ends: list[_Send] = []
        for effect in effects:
            if effect.pace is not None:
                send = _slowed(send, effect.pace)
        # Whatever the order, what comes in place of an answer is slowed down too.
        for effect in effects:
            if effect.is_silent:
                ends.append(_swallow)
            elif effect.end is not None:
                ends.append(_cut(send, effect.end, self._way_to(effect.end)))
        return ends[0] if ends else send

    def _way_to(self, end: End) -> Callable[[], Awaitable[None]]:
        return self.reset if end.how == "reset" else self.hang_up

    def _receiving(self, effect: Effect, receive: _Receive) -> _Receive:
        if effect.is_silent:
            return self._unheard
        if effect.end is not None and effect.end.loses_request:
            return self._ended_by_bytes(receive, self._way_to(effect.end))
        if effect.pace is not None and effect.pace.both_ways:
            return _slowed_receive(receive, effect.pace)
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
        """Read and discard everything until the client ends."""
        with contextlib.suppress(*GONE):
            while await self.carrier.receive_some(_MAX_BYTES):
                pass


def _cut(send: _Send, end: End, leave: Callable[[], Awaitable[None]]) -> _Send:
    """Let some bytes pass, then end the connection."""
    left = end.after_bytes

    async def cut(data: _Bytes) -> None:
        nonlocal left
        part = data[:left]
        left -= len(part)
        if part:
            await send(part)
        if not left:
            if end.instead:
                await send(end.instead)
            await leave()
            raise trio.BrokenResourceError("a fault has ended the connection")

    return cut


async def _swallow(_data: _Bytes) -> None:
    """Discard the bytes."""
    await trio.lowlevel.checkpoint()


def _slowed(send: _Send, pace: Pace) -> _Send:
    """Send in pieces, each after a wait."""

    async def slowed(data: _Bytes) -> None:
        for start in range(0, len(data), pace.bytes_per):
            piece = data[start : start + pace.bytes_per]
            await trio.sleep(pace.wait(len(piece)))
            await send(piece)

    return slowed


def _slowed_receive(receive: _Receive, pace: Pace) -> _Receive:
    """Receive in pieces, each before a wait."""

    async def slowed(max_bytes: int | None) -> bytes | bytearray:
        most = pace.bytes_per
        data = await receive(most if max_bytes is None else min(most, max_bytes))
        await trio.sleep(pace.wait(len(data)))
        return data

    return slowed
