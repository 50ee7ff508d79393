"""The outcome of a case: the events received, the requests made, and what really happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from legnext_stream import JobEvent, JobStatus, Stats
from mockserver import Change, RequestRecord
from mockserver._faults import Fault
from tests.simulation.cases import Case, Session

Acked: TypeAlias = Literal["no", "perhaps", "yes"]
"""Whether an event was acknowledged; `"perhaps"` if the acknowledgement was interrupted."""


@attrs.define
class Received:
    """An event, as a reader received it.

    Attributes:
        order: Its place among everything that happened in the case.
        at: When the reader received it, seconds.
        event: The event.
        acked: Whether the reader acknowledged it.
    """

    order: int
    at: float
    event: JobEvent
    acked: Acked = "no"

    @property
    def word(self) -> str:
        """The status of the event, as the API writes it."""
        event = self.event
        return event.job.raw_status if event.status is JobStatus.UNKNOWN else event.status.value


@attrs.define
class Reading:
    """What one reader received during one watch.

    Attributes:
        name: The reader: `"main"` iterates over the stream, the others have subscribed to it.
        received: The events, in order.
        has_ended: Whether the reader reached the end.
        error: The exception that the reader's loop raised instead, or None.
    """

    name: str
    received: list[Received] = attrs.field(factory=list)
    has_ended: bool = False
    error: Exception | None = None


@attrs.define
class SessionResult:
    """What happened in one session.

    Attributes:
        session: The session.
        number: The number of the session within the case, from 0.
        began: When it began, seconds.
        left: When the stream had been left, seconds.
        main: The reader that iterated over the stream.
        others: The subscribers.
        asked: The ids that the watch got, from the caller or from its journal.
        removed: Job id → the place of its removal among everything that happened.
        never_ended: Whether the session had to be cancelled.
        again: The results of calls after the end, the error or the close; by name.
        came_out: The exception that came out of the body, or None if it was the body's own.
        intrusions: The results of the second task that asked for the next event.
        open_after: How many connections were open after the client was closed.
        most_open: The largest number of connections open at one time.
        tasks_after: How many of the library's tasks were left after the client was closed.
        stats: The statistics at the end.
    """

    session: Session
    number: int
    began: float
    left: float = 0.0
    main: Reading = attrs.field(factory=lambda: Reading("main"))
    others: list[Reading] = attrs.field(factory=list)
    asked: list[str] = attrs.field(factory=list)
    removed: dict[str, int] = attrs.field(factory=dict)
    never_ended: bool = False
    again: dict[str, str] = attrs.field(factory=dict)
    came_out: str | None = None
    intrusions: list[str] = attrs.field(factory=list)
    open_after: int = 0
    most_open: int = 0
    tasks_after: int = 0
    stats: Stats | None = None

    @property
    def readings(self) -> list[Reading]:
        """The readings of all readers."""
        return [self.main, *self.others]


@attrs.frozen
class Outcome:
    """The outcome of a case.

    Attributes:
        case: The case.
        results: The results of its sessions.
        truth: Job id → its changes, up to the end of the case.
        requests: All requests, in order.
        faults: The faults by the names of their rules.
        refused: How many connections were refused.
        seconds: How long the case took, in simulated seconds.
        crashes: Errors of the mock itself.
        warnings: The warnings.
        journal: The requests, as bytes.
        log: Which reader received what and when, as bytes.
    """

    case: Case
    results: list[SessionResult]
    truth: Mapping[str, tuple[Change, ...]]
    requests: list[RequestRecord]
    faults: Mapping[str, Fault]
    refused: int
    seconds: float
    crashes: list[Exception]
    warnings: list[str]
    journal: bytes
    log: bytes

    @property
    def restarts(self) -> int:
        """How many watches resumed from a journal."""
        return len(self.results) - 1
