"""What a fault is: a value that says what goes wrong. Its class says where it acts.

A kind of fault is one class in `http`, `state` or `connection`: derived from the class here that
says where it acts, with its settings as attrs fields and what it does as one method, pure. The
rest follows from the class: its name in files and on the command line, `legnext-mock explain`, and
the Hypothesis strategy (see `tried` and `Range`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final, Literal, Protocol, TypeAlias

import attrs

from mockserver._world.jobs import JobView
from mockserver._world.kinds import Family, kinds_of
from mockserver._world.world import World

CONNECTION: Final = "legnext_mock.connection"
"""The key in the `extensions` of an ASGI scope under which the server leaves the `Connection`."""

WITHOUT_BODY: Final = frozenset({204, 304})
"""The statuses of answers that never have a body (RFC 9110, 15.3.5 and 15.4.5)."""

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Header fields as ASGI has them: names in lower case."""

ErrorWriter: TypeAlias = Callable[[int, str], bytes]
"""Writes the body of an error as the API does, from its code and message."""


class Fault(Family):
    """Something that goes wrong; which requests it happens to, a `Rule` says."""

    __slots__ = ()
    needs_request: ClassVar[bool] = True
    """Whether it happens to requests only, and never to a connection as a whole."""


def kinds_in(module: str) -> tuple[type[Fault], ...]:
    """The kinds of faults that a module defines, in order."""
    return tuple(kind for kind in kinds_of(Fault) if kind.__module__ == module)


# Delays


class Delays(Fault, ABC):
    """A fault that makes an answer late."""

    __slots__ = ()

    @abstractmethod
    def drawn(self, share: float) -> float:
        """The delay, in the world's seconds, for a random number in [0, 1)."""


# Answers


@attrs.frozen
class Answered:
    """An answer as a whole.

    Attributes:
        status: The status code.
        headers: The header fields, without those of framing.
        body: The body.
        padding: How many spaces follow it: part of the body, but sent without being in memory.
    """

    status: int
    headers: Headers
    body: bytes
    padding: int = 0


class Replaces(Fault, ABC):
    """A fault that answers in place of the API: the route never sees the request."""

    __slots__ = ()

    @abstractmethod
    def answer(self, write_error: ErrorWriter) -> Answered:
        """The answer."""


class Damages(Fault, ABC):
    """A fault that changes an answer on its way to the client."""

    __slots__ = ()

    @abstractmethod
    def damage(self, answered: Answered) -> Answered:
        """The answer as the client gets it."""


# Jobs


@attrs.frozen
class Reading:
    """A status request, as seen from within the world.

    Attributes:
        world: The world that is asked.
        at: When, in seconds since the world's start.
        number: Counts the status requests for this job that met the fault, including this one, and
            returns the count. A fault that counts calls it once.
    """

    world: World
    at: float
    number: Callable[[], int]


class Misleads(Fault, ABC):
    """A fault that has a status request answered with something other than the job as it is."""

    __slots__ = ()

    @abstractmethod
    def reported(self, job: JobView, reading: Reading) -> JobView | None:
        """The job that is reported in place of `job`; None for "no such job"."""


# Connections


@attrs.frozen
class End:
    """How a fault ends a connection.

    Attributes:
        how: By a reset, or by closing in good order.
        after_bytes: How many bytes of the answer are let through to the client before.
        instead: The bytes that are sent in place of the rest.
        loses_request: Whether a connection ends at the client's first bytes, before the server has
            a request.
    """

    how: Literal["reset", "close"]
    after_bytes: int = 0
    instead: bytes = b""
    loses_request: bool = False


@attrs.frozen
class Pace:
    """How a fault slows down the bytes of a connection.

    Attributes:
        bytes_per: How many bytes pass at a time, at the most.
        every_seconds: The wait before each such piece, in seconds.
        rate: The bytes a second, which make a further wait.
        both_ways: Whether what the client sends is slowed down too.
    """

    bytes_per: int
    every_seconds: float = 0.0
    rate: float = math.inf
    both_ways: bool = False

    def wait(self, size: int) -> float:
        """The wait before a piece of `size` bytes, in seconds."""
        return self.every_seconds + size / self.rate


@attrs.frozen
class Effect:
    """What a fault does to the bytes of a connection.

    Attributes:
        end: How it ends the connection, if it does.
        pace: How it slows down the bytes, if it does.
        is_silent: Whether nothing is ever answered, and nothing of the client is heard.
        close_after: How long after the end of the answer the connection ends, in seconds, if it
            does then.
    """

    end: End | None = None
    pace: Pace | None = None
    is_silent: bool = False
    close_after: float | None = None


class ConnectionFault(Fault, ABC):
    """A fault that acts on the bytes of a connection."""

    __slots__ = ()
    needs_request: ClassVar[bool] = False

    @property
    @abstractmethod
    def effect(self) -> Effect:
        """What it does."""


class Connection(Protocol):
    """The connection of a request, for the application that answers it."""

    def fail_with(self, fault: ConnectionFault) -> None:
        """Have the answer to the present request meet `fault`; to be called before it begins."""
        ...
