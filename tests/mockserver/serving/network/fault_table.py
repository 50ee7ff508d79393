"""What an httpx client sees of each fault, over each transport, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import attrs

from mockserver._faults import ConnectionFault, When
from mockserver._faults.connection import (
    Bandwidth,
    Close,
    Dribble,
    EmptyAnswer,
    Garbage,
    Refuse,
    Reset,
    Silence,
    SlowClose,
)

Transport: TypeAlias = Literal["memory", "socket", "proxy"]
TRANSPORTS: Final[tuple[Transport, ...]] = ("memory", "socket", "proxy")

TIMEOUT: Final = 0.2
"""The client's patience with each wait, in seconds."""


@attrs.frozen
class Row:
    """One fault, chosen for a client's first request or connection.

    Attributes:
        fault: The fault.
        when: When it is on.
        memory: What the client sees over `mock.transport()`: the name of an exception of httpx, or
            the status of a whole answer.
        socket: Over `mock.serve()`.
        proxy: Through `FaultProxy`.
        note: What else is to be known.
    """

    fault: ConnectionFault
    memory: str
    socket: str
    proxy: str
    when: When = attrs.field(factory=When)
    note: str = ""

    def seen_over(self, transport: Transport) -> str:
        """What the client sees over one transport."""
        seen: str = getattr(self, transport)
        return seen

    def __str__(self) -> str:
        criteria = ", ".join(
            f"{name}={value}" for name, value in attrs.asdict(self.when).items() if value
        )
        return f"{self.fault}" + (f", {criteria}" if criteria else "")


def _same(fault: ConnectionFault, seen: str, note: str = "") -> Row:
    return Row(fault, seen, seen, seen, note=note)


ROWS: Final = (
    Row(
        Refuse(),
        "ConnectError",
        "ConnectError",
        "ConnectError",
        When(until=60.0),
        "a time window, or always: nothing listens on the socket",
    ),
    Row(
        Refuse(),
        "ConnectError",
        "ReadError",
        "ReadError",
        When(nth=1),
        "one connection: on a socket, the kernel accepts it before the mock can refuse it, so the mock "
        "resets it",
    ),
    _same(Reset(), "ReadError", "on a socket a real RST"),
    _same(Reset(after_bytes=20), "ReadError", "within the head"),
    _same(Reset(after_bytes=150), "ReadError", "within the body"),
    _same(Close(), "RemoteProtocolError", "before the answer"),
    _same(Close(after_bytes=20), "RemoteProtocolError", "within the head"),
    _same(Close(after_bytes=150), "RemoteProtocolError", "within the body"),
    _same(EmptyAnswer(), "RemoteProtocolError", "the request was processed"),
    _same(Garbage(bytes=64), "RemoteProtocolError", "the request was processed"),
    _same(Dribble(bytes_per=200, every_seconds=0.05), "200", "late"),
    _same(
        Dribble(bytes_per=1, every_seconds=0.3), "ReadTimeout", "slower than the client's timeout"
    ),
    _same(Bandwidth(bytes_per_second=5000.0), "200", "late"),
    _same(Bandwidth(bytes_per_second=3.0), "ReadTimeout", "slower than the client's timeout"),
    _same(Silence(), "ReadTimeout", "the connection stays open until the client closes it"),
    _same(SlowClose(seconds=0.1), "200", "the connection ends after it"),
)
"""The table."""


def as_markdown() -> Iterator[str]:
    """The rows of the table in the documentation."""
    yield "| fault | " + " | ".join(TRANSPORTS) + " | |"
    yield "|---" * (len(TRANSPORTS) + 2) + "|"
    for row in ROWS:
        seen = " | ".join(f"`{row.seen_over(transport)}`" for transport in TRANSPORTS)
        yield f"| `{row}` | {seen} | {row.note} |"
